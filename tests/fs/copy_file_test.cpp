#include <algorithm>
#include <leash/fs/copy_file.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/track/tracker.hpp>
#include <string>
#include <vector>

#include "failing_at.hpp"
#include "subjects.hpp"

namespace fs = leash::fs;
namespace track = leash::track;
using leash::Context;

namespace {

/// More than one buffer of a copy, and no multiple of it.
std::string long_content() {
  std::string content;
  for (int i = 0; content.size() < 300'000; ++i) content += std::to_string(i) + '\n';
  return content;
}

}  // namespace

LEASH_FS_TEST("a copy has the content and the mode, between any two file systems") {
  const std::string content = long_content();
  for (const On to : {On::memory, On::disk}) {
    Subject source(on);
    Subject target(to);
    const Context ctx;
    CHECK(fs::write_file(ctx, source.files(), "a", content, 0600));
    CHECK(fs::copy_file(ctx, source.files(), "a", target.files(), "b"));
    CHECK((get(target.files(), "b") == content));
    CHECK(target.files().stat(ctx, "b").value().mode == 0600);
    CHECK((get(source.files(), "a") == content));
    put(source.files(), "empty");
    CHECK(fs::copy_file(ctx, source.files(), "empty", target.files(), "c", {.sync = true}));
    CHECK(get(target.files(), "c").empty());
  }
}

LEASH_FS_TEST("a copy within one file system, and over a longer file") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "a", "short");
  put(files, "b", "something longer");
  CHECK(code_of(fs::copy_file(ctx, files, "a", files, "b")) == std::errc::file_exists);
  CHECK(get(files, "b") == "something longer");
  CHECK(fs::copy_file(ctx, files, "a", files, "b", {.overwrite = true}));
  CHECK(get(files, "b") == "short");
  CHECK(fs::copy_file(ctx, files, "a", files, "new", {.overwrite = true}));
  CHECK(get(files, "new") == "short");
}

LEASH_FS_TEST("a copy keeps the permissions that the umask takes, also over a file that had others") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "a", "content");
  CHECK(fs::write_file(ctx, files, "b", "other", 0600));
  // The set-user-ID would be that of another owner.
  if (!set_mode(files, "a", 04666)) return;
  CHECK(fs::copy_file(ctx, files, "a", files, "b", {.overwrite = true}));
  CHECK(fs::copy_file(ctx, files, "a", files, "c"));
  CHECK(files.stat(ctx, "b").value().mode == 0666);
  CHECK(files.stat(ctx, "c").value().mode == 0666);
}

LEASH_FS_TEST("a file is not copied onto itself, whatever the name, and loses nothing") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "a", "content");
  CHECK(files.link(ctx, "a", "hard"));
  CHECK(files.symlink(ctx, "a", "soft"));
  for (const char* const to : {"a", "hard", "soft"}) {
    CAPTURE(to);
    const auto copied = fs::copy_file(ctx, files, "a", files, to, {.overwrite = true});
    CHECK(code_of(copied) == std::errc::invalid_argument);
    CHECK(text_of(copied).contains("both are the same file"));
    CHECK(code_of(fs::copy_file(ctx, files, "a", files, to)) == std::errc::file_exists);
    CHECK(get(files, "a") == "content");
  }
}

LEASH_FS_TEST("only regular files are copied; links are followed, and not created through") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "a", "content");
  CHECK(files.mkdir(ctx, "directory"));
  CHECK(files.symlink(ctx, "a", "link"));
  CHECK(files.symlink(ctx, "nowhere", "dangling"));
  CHECK(fs::copy_file(ctx, files, "link", files, "of-link"));
  CHECK(files.lstat(ctx, "of-link").value().type == fs::FileType::regular);
  CHECK(code_of(fs::copy_file(ctx, files, "directory", files, "x")) == std::errc::is_a_directory);
  CHECK(code_of(fs::copy_file(ctx, files, "a", files, "directory", {.overwrite = true})) == std::errc::is_a_directory);
  CHECK(code_of(fs::copy_file(ctx, files, "missing", files, "x")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(fs::copy_file(ctx, files, "a", files, "missing/x")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(fs::copy_file(ctx, files, "a", files, "dangling", {.overwrite = true})) ==
        std::errc::no_such_file_or_directory);
  CHECK_FALSE(files.lstat(ctx, "nowhere"));
  CHECK_FALSE(files.lstat(ctx, "x"));
}

TEST_CASE("what says that it is empty, and is not, is copied whole; a FIFO is not copied") {
  const Context ctx;
  fs::DiskFS proc = fs::DiskFS::open_root(ctx, "/proc").value();
  const TempDir directory;
  fs::DiskFS files = fs::DiskFS::open_root(ctx, directory.path()).value();
  CHECK(fs::copy_file(ctx, proc, "version", files, "version"));
  CHECK(get(files, "version").starts_with("Linux version"));
  REQUIRE(::mkfifo((directory / "fifo").c_str(), 0600) == 0);
  CHECK(code_of(fs::copy_file(ctx, files, "fifo", files, "x")) == std::errc::invalid_argument);
  CHECK_FALSE(files.lstat(ctx, "x"));
}

TEST_CASE("a copy between descriptors does not pass through the program") {
  const Context ctx;
  const TempDir directory;
  fs::DiskFS files = fs::DiskFS::open_root(ctx, directory.path()).value();
  const std::string content = long_content();
  put(files, "a", content);
  FailingAt counting(files);
  counting.shows_descriptors = true;
  CHECK(fs::copy_file(ctx, counting, "a", counting, "b"));
  CHECK((get(files, "b") == content));
  CHECK(std::ranges::count(counting.operations, "write") == 0);
}

LEASH_FS_TEST("whichever step of a copy fails, what was created is removed, and nothing is open") {
  const std::vector<std::string> source_steps{"open", "stat", "read", "read", "read", "read", "close"};
  const std::vector<std::string> target_steps{"open", "stat", "write", "write", "write", "sync", "close"};
  for (const bool source_fails : {false, true}) {
    for (const bool takes_effect : {false, true}) {
      const std::size_t steps = source_fails ? source_steps.size() : target_steps.size();
      for (std::size_t number = 1; number <= steps + 1; ++number) {
        Subject source(on);
        Subject target(On::memory);
        put(source.files(), "a", long_content());
        FailingAt failing_source(source.files());
        FailingAt failing_target(target.files());
        FailingAt& failing = source_fails ? failing_source : failing_target;
        failing.fail_at(static_cast<int>(number));
        failing.takes_effect = takes_effect;
        fs::TrackedFS from(failing_source);
        fs::TrackedFS to(failing_target);
        auto [tracker, ctx] = track::with_tracker(Context());
        const auto copied = fs::copy_file(ctx, from, "a", to, "b", {.sync = true});
        CAPTURE(number);
        CAPTURE(failing.failed);
        const track::Report report = tracker.close();
        CHECK_MESSAGE(report.ok(), to_string(report));
        CHECK(copied.has_value() == (number > steps));
        if (copied) {
          CHECK(failing_source.operations == source_steps);
          CHECK(failing_target.operations == target_steps);
        } else {
          CHECK(copied.error() == std::errc::no_space_on_device);
          CHECK(copied.error().operation() == failing.failed);
        }
        // The source is closed last, when the copy is there.
        const bool complete = number >= steps && (source_fails || number > steps);
        CHECK(target.files().stat(Context(), "b").has_value() == complete);
      }
    }
  }
}

TEST_CASE("whichever step of a copy ends in an exception, what was created is removed") {
  for (int number = 1;; ++number) {
    fs::MemoryFS memory;
    put(memory, "a", "content");
    FailingAt failing(memory);
    failing.throws = true;
    failing.fail_at(number);
    CAPTURE(number);
    try {
      CHECK(fs::copy_file(Context(), failing, "a", failing, "b", {.sync = true}));
    } catch (const FailingAt::Thrown&) {
      // The source is closed last, when the copy is complete.
      const bool complete = failing.failed == "close" && failing.operations.back() != "remove";
      CHECK(memory.lstat(Context(), "b").has_value() == complete);
      continue;
    }
    CHECK(get(memory, "b") == "content");
    break;
  }
}

TEST_CASE("a target that was there before stays there when a copy over it fails") {
  fs::MemoryFS memory{{"a", "new"}, {"b", "old"}};
  FailingAt failing(memory);
  failing.fails = [](int, std::string_view operation) { return operation == "write"; };
  CHECK(code_of(fs::copy_file(Context(), memory, "a", failing, "b", {.overwrite = true})) ==
        std::errc::no_space_on_device);
  CHECK(get(memory, "b").empty());
  CHECK(code_of(fs::copy_file(Context(), memory, "a", failing, "c", {.overwrite = true})) ==
        std::errc::no_space_on_device);
  CHECK_FALSE(memory.stat(Context(), "c"));
}

LEASH_FS_TEST("a Context that is done ends a copy, whose target is removed") {
  Subject subject(on);
  put(subject.files(), "a", long_content());
  const auto [ctx, source] = Context().with_cancel();
  FailingAt failing(subject.files());
  failing.fails = [&cancel = source](int, std::string_view operation) {
    if (operation == "read") cancel.cancel();
    return false;
  };
  CHECK(code_of(fs::copy_file(ctx, failing, "a", subject.files(), "b")) == std::errc::operation_canceled);
  CHECK_FALSE(subject.files().lstat(Context(), "b"));
}

LEASH_FS_TEST("a source that changes while it is copied ends where it then ends") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  put(files, "a", long_content());
  FailingAt failing(files);
  int reads = 0;
  failing.fails = [&](int, std::string_view operation) {
    if (operation == "read" && ++reads == 2) {
      const auto cut = files.truncate(Context(), "a", 10);
      CHECK(cut);
    }
    return false;
  };
  CHECK(fs::copy_file(Context(), failing, "a", files, "b"));
  CHECK(files.stat(Context(), "b").value().size == 128 * 1024);
}
