#include <doctest/doctest.h>

#include <atomic>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/hooked_file_system.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/proxy.hpp>
#include <leash/fs/sub_fs.hpp>
#include <string>
#include <thread>
#include <vector>

#include "sanitizers.hpp"
#include "subjects.hpp"

namespace fs = leash::fs;
using fs::MemoryFS;
using leash::Context;

TEST_CASE("a MemoryFS with a capacity is full at it, loses nothing then, and has room again") {
  MemoryFS files = MemoryFS::with({.capacity = 1000});
  put(files, "a", std::string(600, 'a'));
  CHECK(files.space(Context(), ".").value().free == 400);
  CHECK(code_of(fs::write_file(Context(), files, "b", std::string(401, 'b'))) == std::errc::no_space_on_device);
  CHECK(get(files, "b").empty());
  put(files, "b", std::string(400, 'b'));
  CHECK(files.space(Context(), "b").value().free == 0);
  const auto a = files.open(Context(), "a", {.write = true}).value();
  CHECK(a->write_at("x", 0));  // in place
  CHECK(code_of(a->write_at("x", 600)) == std::errc::no_space_on_device);
  CHECK(code_of(a->allocate(0, 601)) == std::errc::no_space_on_device);
  CHECK(a->stat().value().size == 600);
  CHECK(a->truncate(100));
  CHECK(files.space(Context(), ".").value().free == 500);
  CHECK(files.remove(Context(), "b"));
  CHECK(files.space(Context(), ".").value().free == 900);
  CHECK(a->truncate(0));
  CHECK(a->write_at("x", std::uint64_t{1} << 40U));  // a hole takes no room
  CHECK(files.space(Context(), ".").value().free == 999);
  CHECK(files.clone().space(Context(), ".").value().free == files.space(Context(), ".").value().free);
  CHECK(code_of(files.space(Context(), "missing")) == std::errc::no_such_file_or_directory);
}

TEST_CASE("an open file that was removed takes room until it is closed") {
  MemoryFS files = MemoryFS::with({.capacity = 100});
  put(files, "a", std::string(100, 'a'));
  auto file = files.open(Context(), "a").value();
  CHECK(files.remove(Context(), "a"));
  CHECK(files.space(Context(), ".").value().free == 0);
  CHECK(file->close());
  CHECK(files.space(Context(), ".").value().free == 100);

  auto unnamed = files.open(Context(), ".", {.read = true, .write = true, .unnamed = true}).value();
  CHECK(unnamed->write(std::string(100, 'b')));
  const auto mapping = unnamed->map(0, 100).value();
  CHECK(unnamed->close());
  CHECK(files.space(Context(), ".").value().free == 0);
  CHECK(mapping->close());
  CHECK(files.space(Context(), ".").value().free == 100);
}

TEST_CASE("a map takes the room of the holes in it, and gives nothing back that it did not take") {
  constexpr std::uint64_t chunk = 1U << 16U;
  MemoryFS files = MemoryFS::with({.capacity = 3 * chunk});
  auto file = files.open(Context(), "a", {.read = true, .write = true, .create = true}).value();
  CHECK(file->truncate(4 * chunk));
  CHECK(code_of(file->map(0, 4 * chunk, fs::MapMode::write)) == std::errc::no_space_on_device);
  CHECK(file->map(chunk, 2 * chunk, fs::MapMode::write).value()->close());
  CHECK(files.space(Context(), ".").value().free == chunk);
  CHECK(files.remove(Context(), "a"));
  file.reset();
  CHECK(files.space(Context(), ".").value().free == 3 * chunk);
}

TEST_CASE("what cannot fit is refused at once, however far it reaches") {
  MemoryFS files = MemoryFS::with({.capacity = 1000});
  const auto file = files.create(Context(), "a").value();
  CHECK(code_of(file->allocate(0, std::uint64_t{1} << 62U)) == std::errc::no_space_on_device);
  CHECK(file->stat().value().size == 0);
}

TEST_CASE("a copy of a tree into itself is refused with nothing changed, also through decorators") {
  MemoryFS files{{"a", "new"}, {"backup/a", "old"}};
  const std::string before = files.dump();
  fs::SubFS backup(files, "backup");
  fs::ProxyFileSystem same(files);
  for (fs::FileSystem* const other : {static_cast<fs::FileSystem*>(&backup), static_cast<fs::FileSystem*>(&same)}) {
    CHECK(code_of(files.store(Context(), *other)) == std::errc::invalid_argument);
    CHECK(code_of(files.load(Context(), *other)) == std::errc::invalid_argument);
    CHECK(files.dump() == before);
  }
}

TEST_CASE("what vanishes from a tree while it is copied is left out, and the rest is there") {
  /// Removes one name when the walk has seen it.
  class Removing final : public fs::HookedFileSystem {
   public:
    Removing(fs::FileSystem& inner, std::string gone)
        : HookedFileSystem(inner), inner_(inner), gone_(std::move(gone)) {}

   private:
    leash::Result<void> around(fs::Operation& operation, leash::FunctionRef<leash::Result<void>()> next) override {
      leash::Result<void> result = next();
      if (operation.kind == fs::OperationKind::read_dir_info) CHECK(inner_.remove_all(Context(), gone_));
      return result;
    }

    fs::FileSystem& inner_;
    const std::string gone_;
  };
  for (const std::string gone : {"d", "d/f", "f", "link"}) {
    CAPTURE(gone);
    MemoryFS source{{"d/f", "1"}, {"d/g", "2"}, {"f", "3"}, {"z", "4"}};
    CHECK(source.symlink(Context(), "z", "link"));
    Removing files(source, gone);
    MemoryFS target;
    CHECK(target.load(Context(), files));
    CHECK(get(target, "z") == "4");
    // A directory that had been created already stays, empty.
    if (gone == "d") CHECK(target.remove(Context(), "d"));
    CHECK(target.dump() == source.dump());
  }
}

TEST_CASE("a directory of a million files" * doctest::skip(!leash_test::all_tests)) {
  const std::size_t many = leash_test::with_asan || leash_test::with_tsan ? 100'000 : 1'000'000;
  MemoryFS files;
  CHECK(files.mkdir(Context(), "d"));
  for (std::size_t number = 0; number < many; ++number) {
    REQUIRE(files.create(Context(), "d/" + std::to_string(number)));
  }
  CHECK(files.read_dir(Context(), "d").value().size() == many);
  CHECK(files.remove_all(Context(), "d"));
  CHECK(files.dump().empty());
}

TEST_CASE("a tree is loaded from the disk and stored there") {
  const TempDir directory;
  fs::DiskFS disk = fs::DiskFS::open_root(Context(), directory.path()).value();
  CHECK(disk.mkdir_all(Context(), "from/sub"));
  put(disk, "from/sub/file", "text");
  put(disk, "from/empty");
  CHECK(disk.chmod(Context(), "from/empty", 0640));
  CHECK(disk.symlink(Context(), "sub/file", "from/link"));
  MemoryFS files{{"sub/file", "replaced"}, {"other", "stays"}};
  CHECK(files.load(Context(), disk, "from"));
  CHECK(files.dump() == "empty \"\"\nlink -> sub/file\nother \"stays\"\nsub/\nsub/file \"text\"\n");
  CHECK(files.stat(Context(), "empty").value().mode == 0640);

  CHECK(disk.mkdir(Context(), "to"));
  CHECK(files.store(Context(), disk, "to"));
  MemoryFS back;
  CHECK(back.load(Context(), disk, "to"));
  CHECK(back.dump() == files.dump());
  CHECK(files.load(Context(), disk, "from"));  // again, over what is there

  CHECK(code_of(files.load(Context(), files)) == std::errc::invalid_argument);
  CHECK(code_of(files.load(Context(), disk, "missing")) == std::errc::no_such_file_or_directory);
  REQUIRE(::mkfifo((directory / "from/fifo").c_str(), 0600) == 0);
  CHECK(text_of(back.load(Context(), disk, "from")) ==
        "load from/fifo: Operation not supported (neither file, directory nor link)");
}

TEST_CASE("a name under a replacing rename is never missing") {
  MemoryFS files{{"a", "1"}, {"d/b", "2"}};
  std::atomic<bool> over = false;
  std::atomic<int> missing = 0;
  constexpr int tries = leash_test::all_tests ? 1'000'000 : 20'000;
  std::vector<std::jthread> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&] {
      for (int left = tries / 2; left > 0; --left) {
        if (!files.stat(Context(), "a")) ++missing;
      }
      over = true;
    });
  }
  for (int number = 0; !over; ++number) {
    const std::string name = number % 2 == 0 ? "new" : "d/new";
    put(files, name, "x");
    if (!files.rename(Context(), name, "a")) ++missing;
  }
  readers.clear();
  CHECK(missing == 0);
}
