#include <doctest/doctest.h>

#include <leash/clock.hpp>
#include <leash/fs/read_only_fs.hpp>
#include <memory>
#include <string>
#include <vector>

#include "recorder.hpp"
#include "subjects.hpp"

namespace fs = leash::fs;
using leash::Context;

namespace {

constexpr std::errc read_only = std::errc::read_only_file_system;

}  // namespace

LEASH_FS_TEST("through a ReadOnlyFS nothing can be changed") {
  Subject subject(on);
  put(subject.files(), "file", "content");
  CHECK(subject.files().mkdir(Context(), "dir"));
  CHECK(subject.files().chmod(Context(), "file", 0644));
  const auto before = subject.files().stat(Context(), "file").value();
  fs::ReadOnlyFS files(subject.files());
  const Context ctx;
  const leash::Clock::system_time_point epoch;
  CHECK(text_of(files.create(ctx, "new")) == "open new: Read-only file system");
  CHECK(code_of(files.create(ctx, "file")) == read_only);
  CHECK(code_of(files.append(ctx, "file")) == read_only);
  CHECK(code_of(files.open(ctx, "file", {.read = true, .write = true})) == read_only);
  CHECK(code_of(files.open(ctx, ".", {.write = true, .unnamed = true})) == read_only);
  CHECK(code_of(files.mkdir(ctx, "new")) == read_only);
  CHECK(code_of(files.mkdir_all(ctx, "new/dir")) == read_only);
  CHECK(code_of(files.remove(ctx, "file")) == read_only);
  CHECK(code_of(files.remove_file(ctx, "file")) == read_only);
  CHECK(code_of(files.remove_dir(ctx, "dir")) == read_only);
  CHECK(code_of(files.remove_all(ctx, "file")) == read_only);
  CHECK(text_of(files.rename(ctx, "file", "new")) == "rename file -> new: Read-only file system");
  CHECK(code_of(files.link(ctx, "file", "new")) == read_only);
  CHECK(code_of(files.symlink(ctx, "file", "new")) == read_only);
  CHECK(code_of(files.chmod(ctx, "file", 0600)) == read_only);
  CHECK(code_of(files.set_times(ctx, "file", epoch, epoch)) == read_only);
  CHECK(code_of(files.truncate(ctx, "file", 0)) == read_only);
  // Nor by a handle that was opened for reading, which the system lets change the mode and the times.
  const auto file = files.open(ctx, "file").value();
  CHECK(code_of(file->chmod(0600)) == read_only);
  CHECK(code_of(file->set_times(epoch, epoch)) == read_only);
  CHECK(code_of(file->write("x")) == read_only);
  CHECK(code_of(file->write_at("x", 0)) == read_only);
  CHECK(code_of(file->truncate(0)) == read_only);
  CHECK(code_of(file->allocate(0, 100)) == read_only);
  CHECK(code_of(file->map(0, 1, fs::MapMode::write)) == std::errc::read_only_file_system);
  const auto dir = files.open(ctx, "dir", {.read = true, .directory = true}).value();
  CHECK(code_of(dir->chmod(0700)) == read_only);

  CHECK(get(subject.files(), "file") == "content");
  const auto after = subject.files().stat(Context(), "file").value();
  CHECK(after.mode == before.mode);
  CHECK(after.modified == before.modified);
  CHECK(after.changed == before.changed);
  CHECK(names_in(subject.files(), ".") == std::vector<std::string>{"dir", "file"});
}

LEASH_FS_TEST("through a ReadOnlyFS all can be read, and what others change is seen") {
  Subject subject(on);
  put(subject.files(), "file", "content");
  CHECK(subject.files().symlink(Context(), "file", "symlink"));
  fs::ReadOnlyFS files(subject.files());
  const Context ctx;
  CHECK(get(files, "symlink") == "content");
  CHECK(files.read_link(ctx, "symlink").value() == "file");
  CHECK(files.stat(ctx, "file").value().size == 7);
  CHECK(files.lstat(ctx, "symlink").value().type == fs::FileType::symlink);
  CHECK(files.read_dir_info(ctx, ".").value().size() == 2);
  CHECK(files.open_dir(ctx, ".").value()->read(9).value().size() == 2);
  CHECK(files.space(ctx, "."));
  CHECK(files.sync_dir(ctx, "."));
  const auto file = files.open(ctx, "file").value();
  CHECK(file->map(1, 2).value()->bytes().size() == 2);
  CHECK(file->try_lock(fs::LockMode::shared));
  CHECK(file->stat().value().size == 7);
  CHECK(file->close());
  put(subject.files(), "file", "more content");
  CHECK(get(files, "file") == "more content");
}

TEST_CASE("what a ReadOnlyFS refuses does not reach the inner file system, and only files are wrapped") {
  RecordingFS recorder;
  fs::ReadOnlyFS files(recorder);
  CHECK_FALSE(files.create(Context(), "a"));
  CHECK_FALSE(files.remove_all(Context(), "a"));
  CHECK(recorder.record.counts.empty());
  const auto file = files.open(Context(), "a").value();
  CHECK_FALSE(file->chmod(0600));
  CHECK(recorder.of_file.counts.empty());
  CHECK(dynamic_cast<RecordingMapping*>(file->map(0, 1).value().get()) != nullptr);
  CHECK(dynamic_cast<RecordingDir*>(files.open_dir(Context(), "a").value().get()) != nullptr);
}
