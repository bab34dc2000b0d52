#include <doctest/doctest.h>

#include <algorithm>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/path.hpp>
#include <set>
#include <string>

#include "subjects.hpp"

namespace fs = leash::fs;
using fs::MemoryFS;
using leash::Context;

namespace {

MemoryFS crashing() { return MemoryFS::with({.crash_clones = true}); }

/// Makes a file whose content and name are durable.
void put_durable(MemoryFS& files, std::string_view path, std::string_view content) {
  const auto file = files.create(Context(), path).value();
  CHECK(file->write(content));
  CHECK(file->sync());
  CHECK(files.sync_dir(Context(), fs::parent_path(path)));
}

/// What a crash may leave, with each of many seeds.
std::set<std::string> after_crashes(const MemoryFS& files) {
  std::set<std::string> dumps;
  for (std::uint64_t seed = 0; seed < 200; ++seed) dumps.insert(files.crash_clone(seed).dump());
  return dumps;
}

}  // namespace

TEST_CASE("a clone has all that is there, and is apart from it") {
  MemoryFS files{{"a/b/c", "text"}, {"empty/", ""}};
  CHECK(files.link(Context(), "a/b/c", "hard"));
  CHECK(files.symlink(Context(), "a/b", "soft"));
  CHECK(files.chmod(Context(), "hard", 0600));
  MemoryFS copy = files.clone();
  CHECK(copy.dump() == files.dump());
  CHECK(fs::same_file(copy.stat(Context(), "hard").value(), copy.stat(Context(), "soft/c").value()));
  CHECK(copy.stat(Context(), "a/b/c").value().links == 2);
  CHECK(copy.stat(Context(), "a").value().links == files.stat(Context(), "a").value().links);
  CHECK(copy.stat(Context(), "hard").value().mode == 0600);
  CHECK(copy.stat(Context(), "hard").value().modified == files.stat(Context(), "hard").value().modified);
  put(copy, "a/b/c", "other");
  CHECK(copy.remove_all(Context(), "empty"));
  CHECK(get(files, "hard") == "text");
  CHECK(files.stat(Context(), "empty"));
}

TEST_CASE("a crash loses what was not synced, and no more") {
  MemoryFS files = crashing();
  put_durable(files, "kept", "durable");
  put(files, "new", "never synced");
  CHECK(files.crash_clone(0).dump() == "kept \"durable\"\n");
  CHECK(after_crashes(files) ==
        std::set<std::string>{
            "kept \"durable\"\n", "kept \"durable\"\nnew \"\"\n", "kept \"durable\"\nnew \"never synced\"\n",
            "kept \"durable\"\nnew \"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\"\n"});
  CHECK(files.dump() == "kept \"durable\"\nnew \"never synced\"\n");
}

TEST_CASE("a file whose content was synced may lose its name until its directory is synced") {
  MemoryFS files = crashing();
  const auto file = files.create(Context(), "file").value();
  CHECK(file->write("text"));
  CHECK(file->sync_data());
  CHECK(after_crashes(files) == std::set<std::string>{"", "file \"text\"\n"});
  CHECK(files.sync_dir(Context(), "."));
  CHECK(after_crashes(files) == std::set<std::string>{"file \"text\"\n"});
}

TEST_CASE("a replacing rename is kept or lost as a whole") {
  MemoryFS files = crashing();
  put_durable(files, "config", "old");
  put_durable(files, "config.tmp", "new");
  CHECK(files.rename(Context(), "config.tmp", "config"));
  CHECK(after_crashes(files) == std::set<std::string>{"config \"old\"\nconfig.tmp \"new\"\n", "config \"new\"\n"});
  CHECK(files.sync_dir(Context(), "."));
  CHECK(after_crashes(files) == std::set<std::string>{"config \"new\"\n"});
}

TEST_CASE("a removed tree may be there again, in part, until its directories are synced") {
  MemoryFS files = crashing();
  CHECK(files.mkdir(Context(), "d"));
  CHECK(files.sync_dir(Context(), "."));
  put_durable(files, "d/a", "1");
  put_durable(files, "d/b", "2");
  CHECK(files.remove_all(Context(), "d"));
  const std::set<std::string> dumps = after_crashes(files);
  CHECK(dumps == std::set<std::string>{"", "d/\n", "d/\nd/b \"2\"\n", "d/\nd/a \"1\"\nd/b \"2\"\n"});
}

TEST_CASE("a removed tree is forgotten when the directory it was in is synced") {
  MemoryFS files = MemoryFS::with({.capacity = 1000, .crash_clones = true});
  CHECK(files.mkdir_all(Context(), "a/b/c"));
  put_durable(files, "a/f", std::string(300, 'f'));
  put_durable(files, "a/b/c/g", std::string(300, 'g'));
  CHECK(files.sync_dir(Context(), "."));
  CHECK(files.rename(Context(), "a/b", "moved"));
  CHECK(files.remove_all(Context(), "a"));
  CHECK(files.remove_all(Context(), "moved"));
  CHECK(files.space(Context(), ".").value().free == 400);
  CHECK(files.sync_dir(Context(), "."));
  CHECK(files.space(Context(), ".").value().free == 1000);
  CHECK(after_crashes(files) == std::set<std::string>{""});
}

TEST_CASE("what is written is torn at the borders of chunks, and what is cut may be there again") {
  MemoryFS files = crashing();
  constexpr std::size_t piece = std::size_t{64} << 10U;
  put_durable(files, "file", std::string(2 * piece, 'o'));
  const auto file = files.open(Context(), "file", {.write = true}).value();
  SUBCASE("write") {
    CHECK(file->write_at(std::string(2 * piece, 'n'), 0));
    std::set<std::string> found;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      MemoryFS crashed = files.crash_clone(seed);
      const std::string content = get(crashed, "file");
      REQUIRE(content.size() == 2 * piece);
      CHECK(std::ranges::count(content.substr(0, piece), content[0]) == piece);
      CHECK(std::ranges::count(content.substr(piece), content[piece]) == piece);
      found.insert({content[0], content[piece]});
    }
    CHECK(found == std::set<std::string>{"oo", "on", "no", "nn"});
    CHECK(file->sync());
    MemoryFS crashed = files.crash_clone(0);
    CHECK(get(crashed, "file") == std::string(2 * piece, 'n'));
  }
  SUBCASE("truncate") {
    CHECK(file->truncate(0));
    MemoryFS crashed = files.crash_clone(0);
    CHECK(get(crashed, "file") == std::string(2 * piece, 'o'));
  }
}

TEST_CASE("what is written through a map may be lost until it is synced, and is written again afterwards") {
  MemoryFS files = crashing();
  put_durable(files, "file", "old");
  const auto file = files.open(Context(), "file", {.read = true, .write = true}).value();
  const auto mapping = file->map(0, 3, fs::MapMode::write).value();
  const auto crashed = [&] {
    MemoryFS after = files.crash_clone(0);
    return get(after, "file");
  };
  mapping->writable_bytes()[0] = std::byte{'N'};
  CHECK(crashed() == "old");
  CHECK(mapping->sync());
  CHECK(crashed() == "Nld");
  mapping->writable_bytes()[1] = std::byte{'E'};
  CHECK(crashed() == "Nld");
  CHECK(mapping->close());
  CHECK(file->sync());
  CHECK(crashed() == "NEd");
}

TEST_CASE("a rename of which only one directory is synced may leave both names or, if it is the old one, none") {
  MemoryFS files = crashing();
  CHECK(files.mkdir(Context(), "a"));
  CHECK(files.mkdir(Context(), "b"));
  CHECK(files.sync_dir(Context(), "."));
  put_durable(files, "a/f", "text");
  CHECK(files.rename(Context(), "a/f", "b/f"));
  SUBCASE("the new one") {
    CHECK(files.sync_dir(Context(), "b"));
    CHECK(files.crash_clone(0).dump() == "a/\na/f \"text\"\nb/\nb/f \"text\"\n");
  }
  SUBCASE("the old one") {
    CHECK(files.sync_dir(Context(), "a"));
    CHECK(files.crash_clone(0).dump() == "a/\nb/\n");
  }
}

TEST_CASE("cutting a file of holes keeps only what was stored") {
  MemoryFS files = crashing();
  put_durable(files, "file", "text");
  const auto file = files.open(Context(), "file", {.write = true}).value();
  CHECK(file->truncate(std::uint64_t{1} << 50U));
  CHECK(file->sync());
  CHECK(file->truncate(2));
  MemoryFS crashed = files.crash_clone(0);
  CHECK(crashed.stat(Context(), "file").value().size == std::uint64_t{1} << 50U);
  CHECK(files.dump() == "file \"te\"\n");
}

TEST_CASE("a crash clone may crash again") {
  MemoryFS files = crashing();
  put(files, "a", "1");
  MemoryFS first = files.crash_clone(~std::uint64_t{0});
  put(first, "b", "2");
  CHECK(first.crash_clone(0).dump() == files.crash_clone(~std::uint64_t{0}).dump());
}
