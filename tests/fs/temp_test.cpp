#include <leash/fs/file.hpp>
#include <leash/fs/kinds.hpp>
#include <leash/fs/path.hpp>
#include <leash/fs/temp_dir.hpp>
#include <leash/fs/temp_file.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "failing_at.hpp"
#include "subjects.hpp"

namespace fs = leash::fs;
namespace track = leash::track;
using leash::Context;

namespace {

bool is_empty(fs::FileSystem& files, std::string_view directory = ".") {
  return leash::take(files.read_dir(Context(), directory)).empty();
}

/// How many findings of `rule` about temporary directories or files weigh as failures.
std::size_t temp_failures(const track::Report& report, track::Rule rule) {
  std::size_t count = 0;
  for (const track::Group& group : report.groups) {
    const bool temporary = group.kind.one == fs::kinds::temp_dir.one || group.kind.one == fs::kinds::temp_file.one;
    if (temporary && group.rule == rule && group.severity == track::Severity::failure) count += group.count;
  }
  return count;
}

}  // namespace

LEASH_FS_TEST("a temporary directory is gone with all that is in it when its owner ends") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  CHECK(files.mkdir(ctx, "tmp"));
  {
    const fs::TempDir directory = fs::temp_dir(ctx, files, "tmp", "build-").value();
    CHECK(directory.path().starts_with("tmp/build-"));
    CHECK(directory.path().size() == std::string_view("tmp/build-").size() + 20);
    CHECK(files.stat(ctx, directory.path()).value().mode == 0700);
    put(files, fs::join(directory.path(), "a"), "content");
    CHECK(files.mkdir(ctx, fs::join(directory.path(), "b")));
  }
  CHECK(is_empty(files, "tmp"));
  CHECK(code_of(fs::temp_dir(ctx, files, "missing")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(fs::temp_dir(ctx, files, "..")) == std::errc::invalid_argument);
  CHECK(code_of(fs::temp_dir(ctx, files, "tmp", "../")) == std::errc::invalid_argument);
  CHECK(code_of(fs::temp_dir(ctx, files, "tmp", std::string_view("\0", 1))) == std::errc::invalid_argument);
}

LEASH_FS_TEST("a temporary file can be written and read, and is gone when its owner ends") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  {
    fs::TempFile temp = fs::temp_file(ctx, files).value();
    CHECK(temp.path().starts_with("tmp-"));
    CHECK(files.stat(ctx, temp.path()).value().mode == 0600);
    CHECK(temp.file().write("content"));
    CHECK(temp.file().seek(0));
    std::byte first{};
    CHECK(temp.file().read({&first, 1}).value() == 1);
    CHECK(first == std::byte{'c'});
    CHECK(get(files, temp.path()) == "content");
  }
  CHECK(is_empty(files));
}

LEASH_FS_TEST("what is removed early or kept is not removed at the end") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  std::string kept_directory;
  std::string kept_file;
  {
    fs::TempDir directory = fs::temp_dir(ctx, files).value();
    CHECK(directory.remove());
    CHECK_FALSE(files.stat(ctx, directory.path()));
    CHECK(files.mkdir(ctx, directory.path()));
    CHECK(directory.remove());
    fs::TempDir kept = fs::temp_dir(ctx, files).value();
    kept.keep();
    CHECK(kept.remove());
    kept_directory = kept.path();

    fs::TempFile file = fs::temp_file(ctx, files).value();
    CHECK(file.remove());
    CHECK(code_of(file.file().write("x")) == std::errc::bad_file_descriptor);
    CHECK_FALSE(files.stat(ctx, file.path()));
    CHECK(file.remove());
    fs::TempFile kept_one = fs::temp_file(ctx, files).value();
    CHECK(kept_one.file().write("kept"));
    kept_one.keep();
    CHECK(kept_one.file().close());
    kept_file = kept_one.path();
  }
  CHECK(get(files, kept_file) == "kept");
  CHECK(files.stat(ctx, kept_directory).value().is_directory());
  CHECK(files.read_dir(ctx, ".").value().size() == 3);
}

LEASH_FS_TEST("what is gone already needs no removing") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  fs::TempDir directory = fs::temp_dir(ctx, files).value();
  fs::TempFile file = fs::temp_file(ctx, files).value();
  CHECK(files.remove_all(ctx, directory.path()));
  CHECK(files.rename(ctx, file.path(), "result"));
  CHECK(directory.remove());
  CHECK(file.remove());
  CHECK(files.stat(ctx, "result"));
}

LEASH_FS_TEST("the owner of what is temporary changes by moving") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  {
    fs::TempFile a = fs::temp_file(ctx, files).value();
    fs::TempFile b = std::move(a);
    fs::TempFile c = fs::temp_file(ctx, files).value();
    CHECK(files.read_dir(ctx, ".").value().size() == 2);
    c = std::move(b);
    CHECK(files.read_dir(ctx, ".").value().size() == 1);
    CHECK(c.file().write("x"));
    fs::TempDir d = fs::temp_dir(ctx, files).value();
    fs::TempDir e = fs::temp_dir(ctx, files).value();
    e = std::move(d);
    d = fs::temp_dir(ctx, files).value();
    CHECK(files.read_dir(ctx, ".").value().size() == 3);
  }
  CHECK(is_empty(files));
}

LEASH_FS_TEST("what is temporary is removed though its Context is done") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  {
    const auto [ctx, source] = Context().with_cancel();
    const auto directory = fs::temp_dir(ctx, files);
    const auto file = fs::temp_file(ctx, files);
    CHECK((directory && file));
    source.cancel();
    CHECK(code_of(fs::temp_dir(ctx, files)) == std::errc::operation_canceled);
    CHECK(code_of(fs::temp_file(ctx, files)) == std::errc::operation_canceled);
  }
  CHECK(is_empty(files));
}

TEST_CASE("names are not used twice, and a name that is taken is not taken over") {
  fs::MemoryFS memory;
  std::set<std::string> names;
  for (int i = 0; i < 200; ++i) {
    names.emplace(fs::temp_dir(Context(), memory).value().path());
    names.emplace(fs::temp_file(Context(), memory).value().path());
  }
  CHECK(names.size() == 400);
  FailingAt failing(memory);
  failing.code = std::errc::file_exists;
  failing.fails = [](int number, std::string_view) { return number <= 15; };
  CHECK(fs::temp_dir(Context(), failing));
  CHECK(failing.operations.size() == 17);
  failing.operations.clear();
  failing.fails = [](int, std::string_view) { return true; };
  CHECK(code_of(fs::temp_file(Context(), failing)) == std::errc::file_exists);
  CHECK(failing.operations.size() == 16);
  REQUIRE(failing.opened.size() == 16);
  CHECK(failing.opened[0].exclusive);
  failing.operations.clear();
  failing.code = std::errc::permission_denied;
  CHECK(code_of(fs::temp_dir(Context(), failing)) == std::errc::permission_denied);
  CHECK(failing.operations.size() == 1);
  CHECK(is_empty(memory));
}

TEST_CASE("what is temporary and outlives the test is leaked, and what ends in time is no finding" *
          doctest::skip(!leash::tracking_enabled)) {
  fs::MemoryFS memory;
  auto [tracker, ctx] = track::with_tracker(Context(), {.on_late = [](const track::Report&) {}});
  std::optional<fs::TempDir> directory;
  std::optional<fs::TempFile> file;
  {
    const auto in_time = fs::temp_dir(ctx, memory);
    const auto kept = fs::temp_file(ctx, memory).value().path().size();
    CHECK(kept == 24);
    fs::TempDir given = fs::temp_dir(ctx, memory).value();
    given.keep();
    fs::TempFile removed = fs::temp_file(ctx, memory).value();
    CHECK(removed.remove());
  }
  directory = fs::temp_dir(ctx, memory).value();
  const auto line = __LINE__ - 1;
  file = fs::temp_file(ctx, memory).value();
  const track::Report report = tracker.close();
  CHECK(temp_failures(report, track::Rule::leaked) == 2);
  REQUIRE(report.groups.size() == 2);
  const track::Group& first = report.groups[0];
  CHECK(first.kind.one == "temporary directory");
  CHECK(first.opened.site.line() == line);
  REQUIRE(first.instances.size() == 1);
  CHECK(first.instances[0].name == directory->path());
  directory.reset();
  file.reset();
  CHECK(code_of(fs::temp_dir(ctx, memory)) == track::errc::tracker_closed);
  CHECK(code_of(fs::temp_file(ctx, memory)) == track::errc::tracker_closed);
  CHECK(leash::take(memory.read_dir(Context(), ".")).size() == 1);
}

TEST_CASE("what a destructor cannot remove is a finding, unless its owner was told" *
          doctest::skip(!leash::tracking_enabled)) {
  fs::MemoryFS memory;
  FailingAt failing(memory);
  failing.fails = [](int, std::string_view operation) { return operation.starts_with("remove"); };
  for (const bool told : {false, true}) {
    auto [tracker, ctx] = track::with_tracker(Context());
    {
      fs::TempDir directory = fs::temp_dir(ctx, failing).value();
      fs::TempFile file = fs::temp_file(ctx, failing).value();
      if (told) {
        CHECK(code_of(directory.remove()) == std::errc::no_space_on_device);
        CHECK(code_of(file.remove()) == std::errc::no_space_on_device);
      }
    }
    CHECK(temp_failures(tracker.close(), track::Rule::dropped) == (told ? 0 : 2));
  }
}

TEST_CASE("the file of a temporary file need not be closed, may be, and must be if it is kept" *
          doctest::skip(!leash::tracking_enabled)) {
  fs::MemoryFS memory;
  fs::TrackedFS files(memory);
  {
    auto [tracker, ctx] = track::with_tracker(Context());
    {
      fs::TempFile dropped = fs::temp_file(ctx, files).value();
      CHECK(dropped.file().write("x"));
      fs::TempFile closed = fs::temp_file(ctx, files).value();
      CHECK(closed.file().write("x"));
      CHECK(closed.file().close());
      fs::TempFile removed = fs::temp_file(ctx, files).value();
      CHECK(removed.file().write("x"));
      CHECK(removed.remove());
      removed.keep();
      fs::TempDir kept_twice = fs::temp_dir(ctx, files).value();
      kept_twice.keep();
      kept_twice.keep();
    }
    const track::Report report = tracker.close();
    CHECK_MESSAGE(report.groups.empty(), to_string(report));
  }
  auto [tracker, ctx] = track::with_tracker(Context());
  {
    fs::TempFile kept = fs::temp_file(ctx, files).value();
    CHECK(kept.file().write("x"));
    kept.keep();
  }
  const track::Report report = tracker.close();
  REQUIRE(report.groups.size() == 1);
  CHECK(report.groups[0].rule == track::Rule::dropped);
  CHECK(report.groups[0].kind.one == "file");
}
