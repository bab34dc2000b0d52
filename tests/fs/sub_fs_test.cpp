#include <doctest/doctest.h>

#include <leash/fs/sub_fs.hpp>
#include <leash/fs/walk.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "recorder.hpp"
#include "subjects.hpp"

namespace fs = leash::fs;
using leash::Context;

LEASH_FS_TEST("the root of a SubFS is a directory of another file system") {
  Subject subject(on);
  CHECK(subject.files().mkdir_all(Context(), "var/logs"));
  put(subject.files(), "outside", "outside");
  fs::SubFS files(subject.files(), "var/logs");
  CHECK(files.directory() == "var/logs");
  const Context ctx;
  put(files, "today", "ok");
  CHECK(get(subject.files(), "var/logs/today") == "ok");
  CHECK(files.mkdir(ctx, "old"));
  CHECK(files.rename(ctx, "today", "old/yesterday"));
  CHECK(files.link(ctx, "old/yesterday", "second"));
  CHECK(files.symlink(ctx, "old/yesterday", "symlink"));
  CHECK(names_in(files, ".") == std::vector<std::string>{"old", "second", "symlink"});
  CHECK(names_in(subject.files(), "var/logs") == names_in(files, "."));
  CHECK(get(files, "symlink") == "ok");
  CHECK(files.read_link(ctx, "symlink").value() == "old/yesterday");
  CHECK(same_file(files.stat(ctx, ".").value(), subject.files().stat(ctx, "var/logs").value()));
  CHECK(files.open_dir(ctx, ".").value()->read(9).value().size() == 3);
  CHECK(files.read_dir_info(ctx, "old").value().size() == 1);
  CHECK(files.sync_dir(ctx, "."));
  std::vector<std::string> walked;
  CHECK(fs::walk(ctx, files, ".", [&](std::string_view path, const auto&, const auto&) {
    walked.emplace_back(path);
    return fs::WalkNext::go_on;
  }));
  CHECK(walked == std::vector<std::string>{".", "old", "old/yesterday", "second", "symlink"});
  CHECK(files.remove_all(ctx, "old"));
  CHECK(names_in(subject.files(), ".") == std::vector<std::string>{"outside", "var"});
  CHECK_FALSE(files.stat(ctx, "outside"));
}

LEASH_FS_TEST("errors and handles of a SubFS name the path in the inner file system") {
  Subject subject(on);
  CHECK(subject.files().mkdir(Context(), "sub"));
  fs::SubFS files(subject.files(), "sub");
  const Context ctx;
  CHECK(text_of(files.open(ctx, "missing")) == "open sub/missing: No such file or directory");
  CHECK(text_of(files.rename(ctx, "a", "b")) == "rename sub/a -> sub/b: No such file or directory");
  CHECK(text_of(files.mkdir(ctx, ".")) == "mkdir sub: File exists");
  CHECK(files.create(ctx, "file").value()->path() == "sub/file");
  CHECK(files.open_dir(ctx, ".").value()->path() == "sub");
}

LEASH_FS_TEST("no path leads out of a SubFS, and its root stays") {
  Subject subject(on);
  put(subject.files(), "outside");
  CHECK(subject.files().mkdir(Context(), "sub"));
  fs::SubFS files(subject.files(), "sub");
  const Context ctx;
  for (const char* const path : {"../outside", "/outside", "a/../../outside", ".."}) {
    CHECK(code_of(files.open(ctx, path)) == std::errc::invalid_argument);
    CHECK(code_of(files.stat(ctx, path)) == std::errc::invalid_argument);
    CHECK(code_of(files.remove(ctx, path)) == std::errc::invalid_argument);
  }
  CHECK(code_of(files.remove(ctx, ".")) == std::errc::invalid_argument);
  CHECK(code_of(files.remove_all(ctx, ".")) == std::errc::invalid_argument);
  CHECK(code_of(files.rename(ctx, ".", "x")) == std::errc::invalid_argument);
  CHECK(code_of(files.remove_file(ctx, ".")) == std::errc::is_a_directory);
  CHECK(names_in(subject.files(), ".") == std::vector<std::string>{"outside", "sub"});
}

LEASH_FS_TEST("a link may lead out of a SubFS, which is no boundary, but not out of the inner file system") {
  Subject subject(on);
  put(subject.files(), "outside", "outside");
  CHECK(subject.files().mkdir(Context(), "sub"));
  fs::SubFS files(subject.files(), "sub");
  CHECK(files.symlink(Context(), "../outside", "link"));
  CHECK(get(files, "link") == "outside");
  CHECK(files.symlink(Context(), "../../outside", "far"));
  CHECK_FALSE(files.stat(Context(), "far"));
}

LEASH_FS_TEST("a SubFS may be made before its directory, of another SubFS, and of the root") {
  Subject subject(on);
  fs::SubFS outer(subject.files(), "a");
  fs::SubFS files(outer, "b");
  CHECK(code_of(files.create(Context(), "file")) == std::errc::no_such_file_or_directory);
  CHECK(files.mkdir_all(Context(), "."));
  put(files, "file", "deep");
  CHECK(get(subject.files(), "a/b/file") == "deep");
  fs::SubFS all(subject.files(), ".");
  CHECK(get(all, "a/b/file") == "deep");
  CHECK(names_in(all, ".") == std::vector<std::string>{"a"});
}

TEST_CASE("handles of a SubFS are those of the inner file system") {
  RecordingFS recorder;
  fs::SubFS files(recorder, "sub");
  CHECK(dynamic_cast<RecordingFile*>(files.open(Context(), "a").value().get()) != nullptr);
  CHECK(dynamic_cast<RecordingDir*>(files.open_dir(Context(), "a").value().get()) != nullptr);
}

TEST_CASE("the directory of a SubFS is a valid path") {
  RecordingFS recorder;
  for (const char* const directory : {"", "/", "../a", "a/", "a//b"}) {
    CHECK_THROWS_AS(fs::SubFS(recorder, directory), std::logic_error);
  }
}
