#include <doctest/doctest.h>

#include <atomic>
#include <leash/clock.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/path.hpp>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>

#include "subjects.hpp"

using namespace std::chrono_literals;
using namespace std::string_view_literals;
namespace fs = leash::fs;
using fs::MemoryFS;
using leash::Context;

TEST_CASE("a MemoryFS is made like a fixture, and dumped in order") {
  MemoryFS memory{{"logs/today.txt", "ok"}, {"data.csv", "a,b\n1,2\n"}, {"empty/", ""}, {"logs/Old", ""}};
  REQUIRE(memory.symlink(Context(), "logs/today.txt", "current"));
  CHECK(memory.dump() ==
        "current -> logs/today.txt\n"
        "data.csv \"a,b\\n1,2\\n\"\n"
        "empty/\n"
        "logs/\n"
        "logs/Old \"\"\n"
        "logs/today.txt \"ok\"\n");
  CHECK(MemoryFS().dump().empty());
  CHECK(MemoryFS{}.dump().empty());
  CHECK(MemoryFS{{"one", "1"}}.dump() == "one \"1\"\n");
  CHECK(MemoryFS{{"zero", "a\0b"sv}}.dump().find("\\x00") != std::string::npos);
}

TEST_CASE("a dump shows the beginning of what is long, and its size") {
  MemoryFS memory{{"long", std::string(1000, 'x')}};
  CHECK(memory.dump() == "long \"" + std::string(60, 'x') + "…\" (1000 bytes)\n");
  const auto file = memory.open(Context(), "sparse", {.write = true, .create = true}).value();
  REQUIRE(file->write_at("x", std::uint64_t{1} << 60));
  CHECK(memory.dump().ends_with("(1152921504606846977 bytes)\n"));
}

TEST_CASE("a fixture that makes no sense throws, and says where") {
  const auto message_of = [](std::initializer_list<MemoryFS::Entry> entries) {
    try {
      const MemoryFS memory(entries);
    } catch (const std::logic_error& error) {
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  CHECK(message_of({{"/x", ""}}) == "leash: MemoryFS: entry \"/x\": path starts with a slash");
  CHECK(message_of({{"a/../b", ""}}) == "leash: MemoryFS: entry \"a/../b\": element .. in path");
  CHECK(message_of({{"", ""}}) == "leash: MemoryFS: entry \"\": empty path");
  CHECK(message_of({{".", ""}}) == "leash: MemoryFS: entry \".\": it is the root");
  CHECK(message_of({{"./", ""}}) == "leash: MemoryFS: entry \"./\": it is the root");
  CHECK(message_of({{"a//", ""}}) == "leash: MemoryFS: entry \"a//\": path ends with a slash");
  CHECK(message_of({{"x", "1"}, {"x", "2"}}) == "leash: MemoryFS: entry \"x\": File exists");
  CHECK(message_of({{"x", ""}, {"x/y", ""}}) == "leash: MemoryFS: entry \"x/y\": Not a directory");
  CHECK(message_of({{"x/y", ""}, {"x", ""}}) == "leash: MemoryFS: entry \"x\": File exists");
  CHECK(message_of({{"x", ""}, {"x/", ""}}) == "leash: MemoryFS: entry \"x/\": Not a directory");
  CHECK(message_of({{"x/", "content"}}) == "leash: MemoryFS: entry \"x/\": a directory with content");
  CHECK(message_of({{"x/y", ""}, {"x/", ""}, {"x/z", ""}}) == "nothing was thrown");
}

TEST_CASE("a MemoryFS stays where it is: decorators refer to it") {
  static_assert(!std::is_copy_constructible_v<MemoryFS>);
  static_assert(!std::is_move_constructible_v<MemoryFS>);
}

TEST_CASE("times come from the clock") {
  const auto clock = std::make_shared<leash::FakeClock>();
  MemoryFS memory = MemoryFS::with({.clock = clock}, {{"dir/file", "1"}});
  const Context ctx;
  const auto start = clock->system_now();
  clock->advance(1h);
  CHECK(memory.stat(ctx, "dir/file").value().modified == start);
  CHECK(memory.stat(ctx, "dir").value().modified == start);
  put(memory, "dir/file", "2");
  CHECK(memory.stat(ctx, "dir/file").value().modified == start + 1h);
  CHECK(memory.stat(ctx, "dir/file").value().changed == start + 1h);
  CHECK(memory.stat(ctx, "dir").value().modified == start);
  clock->advance(1h);
  put(memory, "dir/new");
  CHECK(memory.stat(ctx, "dir").value().modified == start + 2h);
  clock->advance(1h);
  REQUIRE(memory.rename(ctx, "dir/file", "file"));
  CHECK(memory.stat(ctx, "dir").value().modified == start + 3h);
  CHECK(memory.stat(ctx, ".").value().modified == start + 3h);
  CHECK(memory.stat(ctx, "file").value().modified == start + 1h);
  CHECK(memory.stat(ctx, "file").value().changed == start + 3h);
  clock->advance(1h);
  REQUIRE(memory.remove(ctx, "dir/new"));
  CHECK(memory.stat(ctx, "dir").value().modified == start + 4h);
}

TEST_CASE("the umask is an option") {
  MemoryFS memory = MemoryFS::with({.umask = 077});
  put(memory, "file");
  REQUIRE(memory.mkdir(Context(), "dir"));
  CHECK(memory.stat(Context(), "file").value().mode == 0600);
  CHECK(memory.stat(Context(), "dir").value().mode == 0700);
}

TEST_CASE("directories count the links that lead to them") {
  MemoryFS memory{{"a/b/", ""}, {"a/c/", ""}, {"d/", ""}};
  const Context ctx;
  const auto links_of = [&](const char* path) { return memory.stat(ctx, path).value().links; };
  CHECK(links_of(".") == 4);
  CHECK(links_of("a") == 4);
  REQUIRE(memory.rename(ctx, "a/b", "d/b"));
  CHECK(links_of("a") == 3);
  CHECK(links_of("d") == 3);
  REQUIRE(memory.rename(ctx, "a/c", "d/b"));
  CHECK(links_of("a") == 2);
  CHECK(links_of("d") == 3);
  REQUIRE(memory.remove_all(ctx, "d"));
  REQUIRE(memory.remove(ctx, "a"));
  CHECK(links_of(".") == 2);
}

TEST_CASE("files of different trees are never the same") {
  MemoryFS one{{"file", ""}};
  MemoryFS two{{"file", ""}};
  CHECK_FALSE(fs::same_file(one.stat(Context(), "file").value(), two.stat(Context(), "file").value()));
}

TEST_CASE("a file in memory has no descriptor to give, and stays open when asked for it") {
  MemoryFS memory;
  const auto file = memory.create(Context(), "file").value();
  CHECK(file->native_handle() == -1);
  CHECK(code_of(file->release()) == std::errc::operation_not_supported);
  CHECK(file->write("still open"));
  CHECK(file->close());
}

TEST_CASE("a file in memory ends where numbers do") {
  MemoryFS memory;
  const auto file = memory.open(Context(), "file", {.read = true, .write = true, .create = true}).value();
  CHECK(file->write_at("z", INT64_MAX - 1));
  CHECK(file->stat().value().size == INT64_MAX);
  CHECK(file->seek(0, fs::Whence::end).value() == INT64_MAX);
  CHECK(code_of(file->write("x")) == std::errc::file_too_large);
  const auto log = memory.append(Context(), "file").value();
  CHECK(code_of(log->write("x")) == std::errc::file_too_large);
  CHECK(file->truncate(INT64_MAX));
}

TEST_CASE("a very deep tree is moved, removed and destroyed without a deep stack" *
          doctest::skip(!leash_test::all_tests)) {
  const Context ctx;
  constexpr int rounds = 50;
  std::string chain = "d";
  while (chain.size() + 2 <= 4000) chain += "/d";
  const auto grow = [&](fs::FileSystem& files) {
    REQUIRE(files.mkdir_all(ctx, chain));
    for (int i = 0; i != rounds; ++i) {
      REQUIRE(files.mkdir(ctx, "next"));
      REQUIRE(files.rename(ctx, "d", "next/d"));
      REQUIRE(files.rename(ctx, "next", "d"));
      REQUIRE(files.rename(ctx, "d", "old"));
      REQUIRE(files.mkdir_all(ctx, chain));
      REQUIRE(files.rename(ctx, "old", chain + "/d"));
    }
  };
  MemoryFS memory;
  grow(memory);
  CHECK(memory.remove_all(ctx, "d"));
  CHECK(memory.dump().empty());
  grow(memory);
}

TEST_CASE("a tree is cloned while others change it") {
  MemoryFS memory{{"d/a", "x"}, {"d/b", "y"}};
  std::atomic<bool> over{false};
  std::jthread changing([&] {
    const auto file = memory.open(Context(), "d/a", {.write = true}).value();
    for (std::uint32_t i = 0; !over; ++i) {
      static_cast<void>(memory.chmod(Context(), i % 2 == 0 ? "d" : "d/a", 0700 + i % 8));
      static_cast<void>(memory.set_times(Context(), "d", leash::Clock::system_time_point(), {}));
      static_cast<void>(file->write("z"));
      static_cast<void>(memory.create(Context(), "d/c"));
      static_cast<void>(memory.remove(Context(), "d/c"));
    }
  });
  for (int i = 0; i != 200; ++i) {
    MemoryFS clone = memory.clone();
    CHECK(get(clone, "d/b") == "y");
  }
  over = true;
}

TEST_CASE("who reads one file does not wait for who writes another") {
  MemoryFS memory{{"busy", "x"}, {"quiet", "content"}};
  const auto busy = memory.open(Context(), "busy", {.write = true}).value();
  const auto quiet = memory.open(Context(), "quiet").value();
  std::atomic<bool> over{false};
  const std::string block(1 << 16, 'x');
  std::jthread writer([&] {
    while (!over) static_cast<void>(busy->write_at(block, 0));
  });
  std::string text(7, '?');
  for (int i = 0; i != 1000; ++i) {
    REQUIRE(quiet->read_at(std::as_writable_bytes(std::span(text)), 0).value() == 7);
    REQUIRE(text == "content");
  }
  over = true;
}
