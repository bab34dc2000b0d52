#include <doctest/doctest.h>

#include <algorithm>
#include <leash/fs/errc.hpp>
#include <string>
#include <vector>

#include "subjects.hpp"

namespace fs = leash::fs;
using leash::Context;

namespace {

using Names = std::vector<std::string>;

}  // namespace

LEASH_FS_TEST("what is not there cannot be opened, and a file is no directory") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "file");
  CHECK(code_of(files.open(ctx, "missing")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.open(ctx, "missing/file")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.open(ctx, "file/below")) == std::errc::not_a_directory);
  CHECK(code_of(files.create(ctx, "missing/file")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.append(ctx, "missing/file")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.create(ctx, "file/below")) == std::errc::not_a_directory);
  CHECK(code_of(files.open(ctx, "file", {.write = true, .create = true, .directory = false})) == std::error_code());
  CHECK(code_of(files.open_dir(ctx, "file")) == std::errc::not_a_directory);
  CHECK(code_of(files.open_dir(ctx, "missing")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.read_dir(ctx, "file")) == std::errc::not_a_directory);
  CHECK(code_of(files.read_dir(ctx, "missing")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.stat(ctx, "missing")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.stat(ctx, "file/below")) == std::errc::not_a_directory);
  CHECK(code_of(files.lstat(ctx, "missing")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.lstat(ctx, "file/below")) == std::errc::not_a_directory);
  CHECK(names_in(files, ".") == Names{"file"});
}

LEASH_FS_TEST("errors name the operation and the path") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  CHECK(text_of(files.open(ctx, "a/b.csv")) == "open a/b.csv: No such file or directory");
  CHECK(text_of(files.create(ctx, "a/b.csv")) == "open a/b.csv: No such file or directory");
  CHECK(text_of(files.rename(ctx, "a", "b")) == "rename a -> b: No such file or directory");
  CHECK(text_of(files.link(ctx, "a", "b")) == "link a -> b: No such file or directory");
  CHECK(text_of(files.mkdir(ctx, ".")) == "mkdir .: File exists");
  CHECK(text_of(files.open(ctx, "a//b")) == "open a//b: Invalid argument (empty element in path)");
  CHECK(text_of(files.remove(ctx, ".")) == "remove .: Invalid argument (the root cannot be removed)");
}

LEASH_FS_TEST("a directory is opened as a file only where the options say so") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  REQUIRE(files.mkdir(ctx, "dir"));
  put(files, "file");
  for (const char* path : {"dir", "."}) {
    CAPTURE(path);
    CHECK(code_of(files.open(ctx, path)) == std::errc::is_a_directory);
    CHECK(code_of(files.create(ctx, path)) == std::errc::is_a_directory);
    CHECK(code_of(files.append(ctx, path)) == std::errc::is_a_directory);
    CHECK(code_of(files.open(ctx, path, {.write = true})) == std::errc::is_a_directory);
    CHECK(code_of(files.open(ctx, path, {.write = true, .create = true, .exclusive = true})) == std::errc::file_exists);

    const auto directory = files.open(ctx, path, {.read = true, .directory = true});
    REQUIRE(directory);
    std::byte byte{};
    CHECK(code_of((*directory)->read({&byte, 1})) == std::errc::is_a_directory);
    CHECK(code_of((*directory)->read_at({&byte, 1}, 0)) == std::errc::is_a_directory);
    CHECK(code_of((*directory)->seek(0)) == std::errc::is_a_directory);
    CHECK(code_of((*directory)->write("x")) == std::errc::permission_denied);
    CHECK(code_of((*directory)->truncate(0)) == std::errc::permission_denied);
    CHECK((*directory)->stat().value().is_directory());
    CHECK((*directory)->sync());
    CHECK((*directory)->close());
  }
  CHECK(code_of(files.open(ctx, "file", {.read = true, .directory = true})) == std::errc::not_a_directory);
}

LEASH_FS_TEST("options that contradict each other are refused, and nothing is created") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const auto detail_of = [&](const fs::OpenOptions& options) {
    const auto file = files.open(Context(), "file", options);
    REQUIRE_FALSE(file);
    CHECK(file.error() == std::errc::invalid_argument);
    return std::string(file.error().detail());
  };
  CHECK(detail_of({}) == "neither read nor write");
  CHECK(detail_of({.directory = true}) == "neither read nor write");
  CHECK(detail_of({.read = true, .append = true}) == "append without write");
  CHECK(detail_of({.read = true, .create = true}) == "create without write");
  CHECK(detail_of({.read = true, .truncate = true}) == "truncate without write");
  CHECK(detail_of({.write = true, .exclusive = true}) == "exclusive without create");
  CHECK(detail_of({.write = true, .directory = true}) == "write to a directory");
  CHECK(detail_of({.write = true, .create = true, .mode = 01777}) == "mode has bits other than permissions");
  CHECK(code_of(files.mkdir(Context(), "dir", 04755)) == std::errc::invalid_argument);
  CHECK(code_of(files.mkdir_all(Context(), "dir", 01000)) == std::errc::invalid_argument);
  CHECK(code_of(files.chmod(Context(), "dir", 010000)) == std::errc::invalid_argument);
  CHECK(names_in(files, ".").empty());
}

LEASH_FS_TEST("create empties what is there and keeps its identity, mode and other names") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "file", "long content");
  REQUIRE(files.link(ctx, "file", "other"));
  const auto before = files.stat(ctx, "file").value();
  put(files, "file", "short");
  CHECK(get(files, "other") == "short");
  CHECK(fs::same_file(before, files.stat(ctx, "file").value()));
}

LEASH_FS_TEST("the mode is what was asked for, less the umask") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "created");
  CHECK(files.stat(ctx, "created").value().mode == 0644);
  REQUIRE(fs::write_file(ctx, files, "private", "", 0600));
  CHECK(files.stat(ctx, "private").value().mode == 0600);
  REQUIRE(fs::write_file(ctx, files, "private", "again", 0777));
  CHECK(files.stat(ctx, "private").value().mode == 0600);
  REQUIRE(files.mkdir(ctx, "dir"));
  CHECK(files.stat(ctx, "dir").value().mode == 0755);
  REQUIRE(files.mkdir(ctx, "hidden", 0700));
  CHECK(files.stat(ctx, "hidden").value().mode == 0700);
  REQUIRE(files.mkdir_all(ctx, "x/y", 0750));
  CHECK(files.stat(ctx, "x").value().mode == 0750);
  CHECK(files.stat(ctx, "x/y").value().mode == 0750);
}

LEASH_FS_TEST("exclusive creation takes no name that exists, not even a dangling link") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  constexpr fs::OpenOptions exclusive{.write = true, .create = true, .exclusive = true};
  CHECK(files.open(ctx, "file", exclusive));
  CHECK(code_of(files.open(ctx, "file", exclusive)) == std::errc::file_exists);
  REQUIRE(files.symlink(ctx, "nowhere", "link"));
  CHECK(code_of(files.open(ctx, "link", exclusive)) == std::errc::file_exists);
  CHECK(names_in(files, ".") == Names{"file", "link"});
}

LEASH_FS_TEST("mkdir makes one directory, where none is") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "file");
  REQUIRE(files.symlink(ctx, "nowhere", "link"));
  CHECK(files.mkdir(ctx, "dir"));
  CHECK(code_of(files.mkdir(ctx, "dir")) == std::errc::file_exists);
  CHECK(code_of(files.mkdir(ctx, "file")) == std::errc::file_exists);
  CHECK(code_of(files.mkdir(ctx, "link")) == std::errc::file_exists);
  CHECK(code_of(files.mkdir(ctx, ".")) == std::errc::file_exists);
  CHECK(code_of(files.mkdir(ctx, "missing/dir")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.mkdir(ctx, "file/dir")) == std::errc::not_a_directory);
}

LEASH_FS_TEST("mkdir_all makes what is missing, and does not take a file for a directory") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  CHECK(files.mkdir_all(ctx, "a/b/c"));
  CHECK(files.mkdir_all(ctx, "a/b/c"));
  CHECK(files.mkdir_all(ctx, "a/b"));
  CHECK(files.mkdir_all(ctx, "."));
  CHECK(files.stat(ctx, "a/b/c").value().is_directory());
  put(files, "file", "kept");
  CHECK(code_of(files.mkdir_all(ctx, "file")) == std::errc::not_a_directory);
  CHECK(code_of(files.mkdir_all(ctx, "file/x/y")) == std::errc::not_a_directory);
  CHECK(get(files, "file") == "kept");
  REQUIRE(files.symlink(ctx, "a/b", "to_directory"));
  REQUIRE(files.symlink(ctx, "nowhere", "dangling"));
  CHECK(files.mkdir_all(ctx, "to_directory/new"));
  CHECK(files.stat(ctx, "a/b/new").value().is_directory());
  CHECK(code_of(files.mkdir_all(ctx, "dangling")) == std::errc::file_exists);
  CHECK(code_of(files.mkdir_all(ctx, "dangling/x")) == std::errc::file_exists);
}

LEASH_FS_TEST("remove takes one name away") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "file");
  REQUIRE(files.mkdir_all(ctx, "full/inner"));
  REQUIRE(files.mkdir(ctx, "empty"));
  REQUIRE(files.symlink(ctx, "full", "link"));
  CHECK(code_of(files.remove(ctx, "missing")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.remove(ctx, "missing/file")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.remove(ctx, "file/below")) == std::errc::not_a_directory);
  CHECK(code_of(files.remove(ctx, "full")) == std::errc::directory_not_empty);
  CHECK(code_of(files.remove(ctx, ".")) == std::errc::invalid_argument);
  CHECK(files.remove(ctx, "link"));
  CHECK(files.remove(ctx, "file"));
  CHECK(files.remove(ctx, "empty"));
  CHECK(names_in(files, ".") == Names{"full"});
  CHECK(names_in(files, "full") == Names{"inner"});
}

LEASH_FS_TEST("a removed file stays readable and writable while it is open") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "file", "content");
  const auto file = files.open(ctx, "file", {.read = true, .write = true}).value();
  REQUIRE(files.remove(ctx, "file"));
  put(files, "file", "another");
  CHECK(file->stat().value().links == 0);
  std::string text(7, '?');
  CHECK(file->read_at(std::as_writable_bytes(std::span(text)), 0).value() == 7);
  CHECK(text == "content");
  CHECK(file->write_at("C", 0));
  CHECK(get(files, "file") == "another");
}

LEASH_FS_TEST("remove_all takes a tree away, follows no link, and does not mind if nothing is there") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  REQUIRE(files.mkdir_all(ctx, "tree/a/b/c"));
  REQUIRE(files.mkdir_all(ctx, "tree/a/d"));
  put(files, "tree/a/b/file");
  put(files, "tree/a/b/c/file");
  REQUIRE(files.mkdir(ctx, "kept"));
  put(files, "kept/file", "kept");
  REQUIRE(files.symlink(ctx, "../../kept", "tree/a/link"));
  REQUIRE(files.symlink(ctx, "kept", "link"));
  CHECK(files.remove_all(ctx, "tree"));
  CHECK(files.remove_all(ctx, "link"));
  CHECK(files.remove_all(ctx, "missing"));
  CHECK(files.remove_all(ctx, "missing/below"));
  CHECK(code_of(files.remove_all(ctx, "kept/file/below")) == std::errc::not_a_directory);
  CHECK(code_of(files.remove_all(ctx, ".")) == std::errc::invalid_argument);
  CHECK(names_in(files, ".") == Names{"kept"});
  CHECK(get(files, "kept/file") == "kept");
  CHECK(files.remove_all(ctx, "kept/file"));
  CHECK(names_in(files, "kept").empty());
}

LEASH_FS_TEST("rename replaces a file in one step, and who has the old one open keeps it") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "new", "new content");
  put(files, "current", "old content");
  const auto old = files.open(ctx, "current").value();
  const auto moved = files.open(ctx, "new").value();
  REQUIRE(files.rename(ctx, "new", "current"));
  CHECK(names_in(files, ".") == Names{"current"});
  CHECK(get(files, "current") == "new content");
  std::string text(11, '?');
  CHECK(old->read(std::as_writable_bytes(std::span(text))).value() == 11);
  CHECK(text == "old content");
  CHECK(fs::same_file(moved->stat().value(), files.stat(ctx, "current").value()));
}

LEASH_FS_TEST("rename keeps the rules of POSIX") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "file", "file");
  put(files, "other", "other");
  REQUIRE(files.mkdir_all(ctx, "full/inner/deep"));
  REQUIRE(files.mkdir_all(ctx, "empty"));
  CHECK(code_of(files.rename(ctx, "missing", "x")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.rename(ctx, "file", "missing/x")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.rename(ctx, "file", "other/x")) == std::errc::not_a_directory);
  CHECK(code_of(files.rename(ctx, "file", "empty")) == std::errc::is_a_directory);
  CHECK(code_of(files.rename(ctx, "empty", "file")) == std::errc::not_a_directory);
  CHECK(code_of(files.rename(ctx, "empty", "full")) == std::errc::directory_not_empty);
  CHECK(code_of(files.rename(ctx, "full", "full/inner/x")) == std::errc::invalid_argument);
  CHECK(code_of(files.rename(ctx, "full", "full/inner")) == std::errc::invalid_argument);
  CHECK(code_of(files.rename(ctx, "full/inner", "full")) == std::errc::directory_not_empty);
  CHECK(code_of(files.rename(ctx, ".", "x")) == std::errc::invalid_argument);
  CHECK(code_of(files.rename(ctx, "full", ".")) == std::errc::invalid_argument);
  CHECK(files.rename(ctx, "full", "full"));
  CHECK(files.rename(ctx, "file", "file"));
  CHECK(files.rename(ctx, "full", "empty"));
  CHECK(files.stat(ctx, "empty/inner/deep").value().is_directory());
  CHECK(files.rename(ctx, "empty/inner", "inner"));
  CHECK(files.stat(ctx, "inner/deep").value().is_directory());
  CHECK(names_in(files, "empty").empty());
}

LEASH_FS_TEST("rename of one name of a file to another one does nothing") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "one", "content");
  REQUIRE(files.link(ctx, "one", "two"));
  CHECK(files.rename(ctx, "one", "two"));
  CHECK(names_in(files, ".") == Names{"one", "two"});
}

LEASH_FS_TEST("rename moves a link, and replaces one, without following it") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "file", "content");
  put(files, "other", "other");
  REQUIRE(files.symlink(ctx, "file", "link"));
  CHECK(files.rename(ctx, "link", "moved"));
  CHECK(files.read_link(ctx, "moved").value() == "file");
  CHECK(files.rename(ctx, "other", "moved"));
  CHECK(get(files, "file") == "content");
  CHECK(get(files, "moved") == "other");
}

LEASH_FS_TEST("hard links are names of the same file") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "one", "content");
  REQUIRE(files.mkdir(ctx, "dir"));
  CHECK(files.link(ctx, "one", "dir/two"));
  CHECK(files.stat(ctx, "one").value().links == 2);
  CHECK(fs::same_file(files.stat(ctx, "one").value(), files.stat(ctx, "dir/two").value()));
  CHECK(code_of(files.link(ctx, "one", "dir/two")) == std::errc::file_exists);
  CHECK(code_of(files.link(ctx, "one", "dir")) == std::errc::file_exists);
  CHECK(code_of(files.link(ctx, "missing", "x")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.link(ctx, "one", "missing/x")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.link(ctx, "dir", "x")) == std::errc::operation_not_permitted);
  CHECK(code_of(files.link(ctx, ".", "x")) == std::errc::operation_not_permitted);
  REQUIRE(files.remove(ctx, "one"));
  CHECK(files.stat(ctx, "dir/two").value().links == 1);
  CHECK(get(files, "dir/two") == "content");
}

LEASH_FS_TEST("link looks for the file first, and rename for both directories") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "file");
  for (const std::string& bad : {std::string("file/x"), "file/" + std::string(256, 'n')}) {
    CHECK(code_of(files.link(ctx, "missing", bad)) == std::errc::no_such_file_or_directory);
    CHECK(code_of(files.rename(ctx, "missing", bad)) == std::errc::not_a_directory);
    CHECK(code_of(files.link(ctx, "file", bad)) == std::errc::not_a_directory);
  }
  CHECK(code_of(files.link(ctx, "missing", std::string(5000, 'n'))) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.rename(ctx, "missing", std::string(5000, 'n'))) == std::errc::filename_too_long);
  CHECK(code_of(files.link(ctx, "file", std::string(5000, 'n'))) == std::errc::filename_too_long);
  CHECK(code_of(files.link(ctx, "missing", "file")) == std::errc::no_such_file_or_directory);
}

LEASH_FS_TEST("truncate by path cuts and extends") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "file", "content");
  REQUIRE(files.mkdir(ctx, "dir"));
  REQUIRE(files.symlink(ctx, "file", "link"));
  CHECK(files.truncate(ctx, "link", 4));
  CHECK(get(files, "file") == "cont");
  CHECK(files.truncate(ctx, "file", 6));
  CHECK(get(files, "file") == std::string("cont\0\0", 6));
  CHECK(code_of(files.truncate(ctx, "missing", 0)) == std::errc::no_such_file_or_directory);
  CHECK(code_of(files.truncate(ctx, "dir", 0)) == std::errc::is_a_directory);
  CHECK(code_of(files.truncate(ctx, "file", UINT64_MAX)) == std::errc::file_too_large);
}

LEASH_FS_TEST("sync_dir is for directories") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  put(files, "file");
  CHECK(files.sync_dir(Context(), "."));
  CHECK(code_of(files.sync_dir(Context(), "file")) == std::errc::not_a_directory);
  CHECK(code_of(files.sync_dir(Context(), "missing")) == std::errc::no_such_file_or_directory);
}

LEASH_FS_TEST("names may be up to 255 bytes long and hold anything, paths up to 4095") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  const std::string longest(255, 'n');
  const std::string too_long(256, 'n');
  for (const std::string& name : {longest, std::string("a b"), std::string("100%"), std::string("a\\b:c"),
                                  std::string("new\nline"), std::string("\xff\xfe"), std::string("...")}) {
    CAPTURE(name);
    put(files, name, "content");
    CHECK(get(files, name) == "content");
    CHECK(names_in(files, ".") == Names{name});
    REQUIRE(files.remove(ctx, name));
  }
  CHECK(code_of(files.create(ctx, too_long)) == std::errc::filename_too_long);
  CHECK(code_of(files.mkdir(ctx, too_long)) == std::errc::filename_too_long);
  CHECK(code_of(files.mkdir_all(ctx, too_long)) == std::errc::filename_too_long);
  CHECK(code_of(files.stat(ctx, too_long)) == std::errc::filename_too_long);
  CHECK(code_of(files.symlink(ctx, std::string(4096, 't'), "link")) == std::errc::filename_too_long);
  put(files, "file");
  CHECK(code_of(files.rename(ctx, "file", too_long)) == std::errc::filename_too_long);
  std::string deep = "d";
  while (deep.size() + 2 <= 4095) deep += "/d";
  CHECK(files.mkdir_all(ctx, deep));
  CHECK(files.stat(ctx, deep));
  deep += "/d";
  CHECK(code_of(files.mkdir(ctx, deep)) == std::errc::filename_too_long);
  CHECK(code_of(files.mkdir_all(ctx, deep)) == std::errc::filename_too_long);
  CHECK(code_of(files.stat(ctx, deep)) == std::errc::filename_too_long);
  CHECK(code_of(files.create(ctx, deep)) == std::errc::filename_too_long);
  CHECK(code_of(files.remove(ctx, deep)) == std::errc::filename_too_long);
  CHECK(code_of(files.rename(ctx, "file", deep)) == std::errc::filename_too_long);
  CHECK(code_of(files.rename(ctx, deep, "file")) == std::errc::filename_too_long);
  CHECK(files.remove_all(ctx, "d"));
}

LEASH_FS_LONG_TEST("a tree deeper than any path is removed") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  constexpr int rounds = 6;
  std::string chain = "d";
  while (chain.size() + 2 <= 2000) chain += "/d";
  REQUIRE(files.mkdir_all(ctx, chain));
  for (int i = 0; i != rounds; ++i) {
    REQUIRE(files.rename(ctx, "d", "moved"));
    REQUIRE(files.mkdir_all(ctx, chain));
    REQUIRE(files.rename(ctx, "moved", chain + "/d"));
  }
  CHECK(files.remove_all(ctx, "d"));
  CHECK(names_in(files, ".").empty());
}
