#include <doctest/doctest.h>

#include <algorithm>
#include <leash/fs/walk.hpp>
#include <set>
#include <string>
#include <vector>

#include "subjects.hpp"

namespace fs = leash::fs;
using leash::Context;

namespace {

/// A tree with something of everything.
void plant(fs::FileSystem& files) {
  const Context ctx;
  REQUIRE(files.mkdir_all(ctx, "dir/inner"));
  REQUIRE(files.mkdir(ctx, "empty"));
  put(files, "b", "two");
  put(files, "B", "");
  put(files, "a", "one");
  put(files, "dir/file", "three");
  put(files, "dir/inner/deep", "four");
  put(files, "z\xff", "bytes");
  REQUIRE(files.symlink(ctx, "dir", "link"));
  REQUIRE(files.symlink(ctx, "nowhere", "dangling"));
}

/// Go's fstest.TestFS: a directory opens and lists, entries are plain and agree with what stat and open say of them.
void check_tree(fs::FileSystem& files, const std::string& root) {
  const Context ctx;
  std::vector<std::string> directories{root};
  while (!directories.empty()) {
    const std::string here = directories.back();
    directories.pop_back();
    CAPTURE(here);
    const auto entries = files.read_dir(ctx, here);
    REQUIRE(entries);
    CHECK(std::ranges::is_sorted(*entries, std::less_equal<>(), &fs::DirEntry::name));
    for (const fs::DirEntry& entry : *entries) {
      CAPTURE(entry.name);
      CHECK(entry.name.find('/') == std::string::npos);
      CHECK(entry.name != ".");
      CHECK(entry.name != "..");
      const std::string path = here == "." ? entry.name : here + '/' + entry.name;
      const auto info = files.lstat(ctx, path);
      REQUIRE(info);
      CHECK(info->name == entry.name);
      CHECK(info->type == entry.type);
      if (entry.is_directory()) directories.push_back(path);
      if (entry.type != fs::FileType::regular) continue;
      const auto file = files.open(ctx, path).value();
      const auto opened = file->stat().value();
      CHECK(opened.name == entry.name);
      CHECK(fs::same_file(opened, *info));
      CHECK(opened.size == info->size);
      CHECK(opened.mode == info->mode);
      CHECK(opened.modified == info->modified);
      CHECK(get(files, path).size() == info->size);
      for (const std::string& bad : {"/" + path, path + "/", path + "/.", path + "/../" + entry.name}) {
        CHECK(code_of(files.open(ctx, bad)) == std::errc::invalid_argument);
      }
    }

    auto dir = files.open_dir(ctx, here).value();
    CHECK(dir->stat().value().is_directory());
    CHECK(dir->path() == here);
    std::vector<fs::DirEntry> pieces;
    for (std::size_t max = 1;; max = max % 3 + 1) {
      auto piece = dir->read(max).value();
      CHECK(piece.size() <= max);
      if (piece.empty()) break;
      pieces.insert(pieces.end(), piece.begin(), piece.end());
    }
    CHECK(dir->read(10).value().empty());
    std::ranges::sort(pieces, {}, &fs::DirEntry::name);
    CHECK(pieces == *entries);
    CHECK(dir->close());
  }
}

}  // namespace

LEASH_FS_TEST("every directory lists what is in it, as Go's fstest.TestFS asks") {
  Subject subject(on);
  plant(subject.files());
  check_tree(subject.files(), ".");
  check_tree(subject.files(), "dir");
}

LEASH_FS_TEST("a listing is ordered by bytes, and shows links as links") {
  Subject subject(on);
  plant(subject.files());
  const auto entries = subject.files().read_dir(Context(), ".").value();
  using fs::FileType;
  const std::vector<fs::DirEntry> expected{{"B", FileType::regular},     {"a", FileType::regular},
                                           {"b", FileType::regular},     {"dangling", FileType::symlink},
                                           {"dir", FileType::directory}, {"empty", FileType::directory},
                                           {"link", FileType::symlink},  {"z\xff", FileType::regular}};
  CHECK(entries == expected);
  CHECK(subject.files().read_dir(Context(), "empty").value().empty());
  CHECK(subject.files().read_dir(Context(), "link").value().size() == 2);
}

LEASH_FS_TEST("a caller's change of a listing or of a content is not seen by the next") {
  Subject subject(on);
  plant(subject.files());
  auto entries = subject.files().read_dir(Context(), ".").value();
  entries[0].name = "changed";
  CHECK(subject.files().read_dir(Context(), ".").value()[0].name == "B");
  std::string content = get(subject.files(), "a");
  content[0] = '?';
  CHECK(get(subject.files(), "a") == "one");
}

LEASH_FS_TEST("reading no entries is no end") {
  Subject subject(on);
  plant(subject.files());
  auto dir = subject.files().open_dir(Context(), ".").value();
  CHECK(dir->read(0).value().empty());
  CHECK(dir->read(100).value().size() == 8);
}

LEASH_FS_TEST("a directory that is closed does nothing any more") {
  Subject subject(on);
  plant(subject.files());
  auto dir = subject.files().open_dir(Context(), "dir").value();
  CHECK(dir->close());
  CHECK(code_of(dir->read(1)) == std::errc::bad_file_descriptor);
  CHECK(code_of(dir->stat()) == std::errc::bad_file_descriptor);
  CHECK(dir->native_handle() == -1);
  CHECK(text_of(dir->close()) == "close dir: Bad file descriptor");
}

LEASH_FS_TEST("a directory that is removed while open has no entries") {
  Subject subject(on);
  plant(subject.files());
  auto dir = subject.files().open_dir(Context(), "dir").value();
  REQUIRE(subject.files().remove_all(Context(), "dir"));
  CHECK(dir->read(10).value().empty());
  CHECK(dir->close());
}

LEASH_FS_TEST("walk visits in order, and links without following them") {
  Subject subject(on);
  plant(subject.files());
  std::vector<std::string> visited;
  const auto visit = [&](std::string_view path, const fs::DirEntry& entry, const auto& error) {
    CHECK_FALSE(error);
    CHECK(std::string(path).ends_with(entry.name));
    visited.emplace_back(path);
    return fs::WalkNext::go_on;
  };
  REQUIRE(fs::walk(Context(), subject.files(), ".", visit));
  CHECK(visited == std::vector<std::string>{".", "B", "a", "b", "dangling", "dir", "dir/file", "dir/inner",
                                            "dir/inner/deep", "empty", "link", "z\xff"});
  visited.clear();
  REQUIRE(fs::walk(Context(), subject.files(), "dir/inner", visit));
  CHECK(visited == std::vector<std::string>{"dir/inner", "dir/inner/deep"});
  visited.clear();
  REQUIRE(fs::walk(Context(), subject.files(), "link", visit));
  CHECK(visited == std::vector<std::string>{"link"});
  CHECK(text_of(fs::walk(Context(), subject.files(), "missing", visit)) == "lstat missing: No such file or directory");
}

LEASH_FS_TEST("a visitor skips a directory, stops, and is told of one that cannot be listed") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  plant(files);
  std::vector<std::string> visited;
  REQUIRE(fs::walk(Context(), files, ".", [&](std::string_view path, const auto&, const auto&) {
    visited.emplace_back(path);
    if (path == "dir") return fs::WalkNext::skip_directory;
    if (path == "b") return fs::WalkNext::skip_directory;
    return path == "empty" ? fs::WalkNext::stop : fs::WalkNext::go_on;
  }));
  CHECK(visited == std::vector<std::string>{".", "B", "a", "b", "dangling", "dir", "empty"});

  visited.clear();
  REQUIRE(fs::walk(Context(), files, ".", [&](std::string_view path, const auto&, const auto& error) {
    if (path == "dir" && !error) REQUIRE(files.remove_all(Context(), "dir"));
    visited.push_back(error ? to_string(*error) : std::string(path));
    return fs::WalkNext::go_on;
  }));
  CHECK(visited == std::vector<std::string>{".", "B", "a", "b", "dangling", "dir",
                                            "read_dir dir: No such file or directory", "empty", "link", "z\xff"});
}

LEASH_FS_TEST("a walk ends when its Context is cancelled") {
  Subject subject(on);
  plant(subject.files());
  const auto [ctx, source] = Context().with_cancel();
  int visited = 0;
  const auto result = fs::walk(ctx, subject.files(), ".", [&](std::string_view, const auto&, const auto&) {
    if (++visited == 3) source.cancel();
    return fs::WalkNext::go_on;
  });
  CHECK(text_of(result) == "walk b: Operation canceled");
  CHECK(visited == 3);
}
