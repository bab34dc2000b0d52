#include <doctest/doctest.h>

#include <leash/fs/errc.hpp>
#include <string>

#include "subjects.hpp"

namespace fs = leash::fs;
using leash::Context;

LEASH_FS_TEST("links inside of the root are followed") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  REQUIRE(files.mkdir_all(ctx, "a/b"));
  put(files, "a/b/file", "content");
  REQUIRE(files.symlink(ctx, "a", "to_a"));
  REQUIRE(files.symlink(ctx, "b/file", "a/down"));
  REQUIRE(files.symlink(ctx, "../../to_a/b", "a/b/up"));
  REQUIRE(files.symlink(ctx, "./a//./b/", "odd"));
  REQUIRE(files.symlink(ctx, ".", "here"));
  REQUIRE(files.symlink(ctx, "a/b/..", "parent"));
  for (const char* path : {"to_a/b/file", "a/down", "to_a/down", "a/b/up/file", "odd/file", "here/a/down",
                           "here/here/to_a/b/up/up/file", "parent/down", "parent/b/up/up/up/file"}) {
    CAPTURE(path);
    CHECK(get(files, path) == "content");
    CHECK(files.stat(ctx, path).value().type == fs::FileType::regular);
  }
  CHECK(files.read_dir(ctx, "odd").value().size() == 2);
  CHECK(files.open_dir(ctx, "here"));
  CHECK(files.stat(ctx, "parent").value().is_directory());
  CHECK(files.read_link(ctx, "odd").value() == "./a//./b/");
}

LEASH_FS_TEST("lstat, read_link and no_follow are about the link itself") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "file", "content");
  REQUIRE(files.symlink(ctx, "file", "link"));
  const auto info = files.lstat(ctx, "link").value();
  CHECK(info.type == fs::FileType::symlink);
  CHECK(info.size == 4);
  CHECK(info.name == "link");
  CHECK(files.stat(ctx, "link").value().name == "link");
  CHECK(fs::same_file(files.stat(ctx, "link").value(), files.stat(ctx, "file").value()));
  CHECK(files.read_link(ctx, "link").value() == "file");
  CHECK(code_of(files.read_link(ctx, "file")) == std::errc::invalid_argument);
  CHECK(code_of(files.read_link(ctx, ".")) == std::errc::invalid_argument);
  CHECK(code_of(files.read_link(ctx, "missing")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.open(ctx, "link", {.read = true, .no_follow = true})) ==
        std::errc::too_many_symbolic_link_levels);
  CHECK(files.open(ctx, "file", {.read = true, .no_follow = true}));
  CHECK(code_of(files.symlink(ctx, "x", "link")) == std::errc::file_exists);
  CHECK(code_of(files.symlink(ctx, "", "new")) == std::errc::invalid_argument);
  CHECK(code_of(files.symlink(ctx, std::string("a\0b", 3), "new")) == std::errc::invalid_argument);
  CHECK(code_of(files.symlink(ctx, "x", "missing/new")) == std::errc::no_such_file_or_directory);
}

LEASH_FS_TEST("creating through a dangling link creates what it points to") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  REQUIRE(files.mkdir(ctx, "dir"));
  REQUIRE(files.symlink(ctx, "dir/new", "link"));
  REQUIRE(files.symlink(ctx, "missing/new", "hopeless"));
  REQUIRE(files.symlink(ctx, "dir/", "slash"));
  CHECK(code_of(files.open(ctx, "link")) == std::errc::no_such_file_or_directory);
  put(files, "link", "content");
  CHECK(get(files, "dir/new") == "content");
  CHECK(code_of(files.create(ctx, "hopeless")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.create(ctx, "slash")) == std::errc::is_a_directory);
}

LEASH_FS_TEST("a link with a slash at its end is one to a directory") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "file");
  REQUIRE(files.symlink(ctx, "file/", "link"));
  REQUIRE(files.symlink(ctx, "file/.", "dot"));
  for (const char* path : {"link", "dot"}) {
    CAPTURE(path);
    CHECK(code_of(files.open(ctx, path)) == std::errc::not_a_directory);
    CHECK(code_of(files.stat(ctx, path)) == std::errc::not_a_directory);
    CHECK(code_of(files.open_dir(ctx, path)) == std::errc::not_a_directory);
  }
}

LEASH_FS_TEST("links that go round in circles are found out, and so are more than forty") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  REQUIRE(files.symlink(ctx, "self", "self"));
  REQUIRE(files.symlink(ctx, "b", "a"));
  REQUIRE(files.symlink(ctx, "a", "b"));
  CHECK(code_of(files.open(ctx, "self")) == std::errc::too_many_symbolic_link_levels);
  CHECK(code_of(files.create(ctx, "a")) == std::errc::too_many_symbolic_link_levels);
  CHECK(code_of(files.stat(ctx, "a/below")) == std::errc::too_many_symbolic_link_levels);
  CHECK(code_of(files.mkdir_all(ctx, "a/below")) == std::errc::too_many_symbolic_link_levels);
  CHECK(code_of(files.rename(ctx, "a/x", "y")) == std::errc::too_many_symbolic_link_levels);

  put(files, "link0", "content");
  for (int i = 1; i != 42; ++i) {
    REQUIRE(files.symlink(ctx, "link" + std::to_string(i - 1), "link" + std::to_string(i)));
  }
  CHECK(get(files, "link40") == "content");
  CHECK(code_of(files.open(ctx, "link41")) == std::errc::too_many_symbolic_link_levels);
}

LEASH_FS_TEST("no operation follows a link out of the root") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  REQUIRE(files.mkdir_all(ctx, "dir/sub"));
  put(files, "file", "content");
  const fs::errc escape = fs::errc::escapes_root;
  for (const char* target : {"..", "../", "../..", "/", "/tmp", "dir/../..", "dir/sub/../../..", "./../dir",
                             "../../../../../../../../../../etc"}) {
    CAPTURE(target);
    REQUIRE(files.symlink(ctx, target, "link"));
    CHECK(code_of(files.open(ctx, "link")) == escape);
    CHECK(code_of(files.open(ctx, "link/file")) == escape);
    CHECK(code_of(files.open(ctx, "link", {.read = true, .directory = true})) == escape);
    CHECK(code_of(files.create(ctx, "link")) == escape);
    CHECK(code_of(files.create(ctx, "link/x")) == escape);
    CHECK(code_of(files.append(ctx, "link/x")) == escape);
    CHECK(code_of(files.open_dir(ctx, "link")) == escape);
    CHECK(code_of(files.open_dir(ctx, "link/x")) == escape);
    CHECK(code_of(files.read_dir(ctx, "link")) == escape);
    CHECK(code_of(files.stat(ctx, "link")) == escape);
    CHECK(code_of(files.stat(ctx, "link/x")) == escape);
    CHECK(code_of(files.lstat(ctx, "link/x")) == escape);
    CHECK(code_of(files.mkdir(ctx, "link/x")) == escape);
    CHECK(code_of(files.mkdir_all(ctx, "link")) == escape);
    CHECK(code_of(files.mkdir_all(ctx, "link/x/y")) == escape);
    CHECK(code_of(files.remove(ctx, "link/x")) == escape);
    CHECK(code_of(files.remove_all(ctx, "link/x")) == escape);
    CHECK(code_of(files.rename(ctx, "link/x", "y")) == escape);
    CHECK(code_of(files.rename(ctx, "file", "link/x")) == escape);
    CHECK(code_of(files.link(ctx, "link/x", "y")) == escape);
    CHECK(code_of(files.link(ctx, "file", "link/x")) == escape);
    CHECK(code_of(files.symlink(ctx, "x", "link/x")) == escape);
    CHECK(code_of(files.read_link(ctx, "link/x")) == escape);
    CHECK(code_of(files.truncate(ctx, "link", 0)) == escape);
    CHECK(code_of(files.truncate(ctx, "link/x", 0)) == escape);
    CHECK(code_of(files.sync_dir(ctx, "link")) == escape);
    CHECK(files.lstat(ctx, "link").value().type == fs::FileType::symlink);
    CHECK(files.read_link(ctx, "link").value() == target);
    REQUIRE(files.remove(ctx, "link"));
  }
  CHECK(get(files, "file") == "content");
}

LEASH_FS_TEST("a way that leaves the root and comes back is an escape too") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  REQUIRE(files.mkdir(ctx, "dir"));
  put(files, "dir/file", "content");
  REQUIRE(files.symlink(ctx, "../dir/file", "dir/inside"));
  REQUIRE(files.symlink(ctx, "../../dir/file", "dir/outside"));
  CHECK(get(files, "dir/inside") == "content");
  CHECK(code_of(files.open(ctx, "dir/outside")) == fs::errc::escapes_root);
}
