#include <algorithm>
#include <leash/fs/tracked_fs.hpp>
#include <leash/fs/write_file_atomic.hpp>
#include <leash/track/tracker.hpp>
#include <string>
#include <thread>
#include <vector>

#include "failing_at.hpp"
#include "subjects.hpp"

namespace fs = leash::fs;
namespace track = leash::track;
using leash::Context;

namespace {

const std::vector<std::string> only_config{"config"};

}  // namespace

LEASH_FS_TEST("an atomic write creates a file, with the mode that it is given, and replaces one, whose mode it keeps") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  CHECK(files.mkdir(ctx, "etc"));
  CHECK(fs::write_file_atomic(ctx, files, "etc/config", "first", {.mode = 0660}));
  CHECK(get(files, "etc/config") == "first");
  CHECK(files.stat(ctx, "etc/config").value().mode == 0640);
  CHECK(fs::write_file_atomic(ctx, files, "etc/config", "second", {.mode = 0600, .sync = false}));
  CHECK(get(files, "etc/config") == "second");
  CHECK(files.stat(ctx, "etc/config").value().mode == 0640);
  CHECK(names_in(files, "etc") == only_config);
  CHECK(code_of(fs::write_file_atomic(ctx, files, "new", "", {.mode = 01777})) == std::errc::invalid_argument);
}

LEASH_FS_TEST("an atomic write keeps permissions that the umask takes, and those that do not allow it") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "config", "first");
  // The set-user-ID would be that of another owner.
  if (!set_mode(files, "config", 04666)) return;
  CHECK(fs::write_file_atomic(ctx, files, "config", "second", {.mode = 0600}));
  CHECK(get(files, "config") == "second");
  CHECK(files.stat(ctx, "config").value().mode == 0666);
  CHECK(set_mode(files, "config", 0400));
  CHECK(fs::write_file_atomic(ctx, files, "config", ""));
  CHECK(get(files, "config").empty());
  CHECK(files.stat(ctx, "config").value().mode == 0400);
}

LEASH_FS_TEST("what holds the old file keeps the old content") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "config", "old");
  CHECK(files.link(ctx, "config", "other"));
  const auto opened = files.open(ctx, "config").value();
  CHECK(fs::write_file_atomic(ctx, files, "config", "new"));
  CHECK(get(files, "config") == "new");
  CHECK(get(files, "other") == "old");
  CHECK(opened->stat().value().size == 3);
}

LEASH_FS_TEST("an atomic write replaces a symbolic link, and refuses what is neither that nor a file") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "target", "old");
  CHECK(files.symlink(ctx, "target", "link"));
  CHECK(fs::write_file_atomic(ctx, files, "link", "new"));
  CHECK(get(files, "target") == "old");
  CHECK(get(files, "link") == "new");
  CHECK(files.lstat(ctx, "link").value().type == fs::FileType::regular);
  CHECK(files.lstat(ctx, "link").value().mode == 0644);
  CHECK(files.mkdir(ctx, "directory"));
  CHECK(code_of(fs::write_file_atomic(ctx, files, "directory", "x")) == std::errc::is_a_directory);
  CHECK(code_of(fs::write_file_atomic(ctx, files, ".", "x")) == std::errc::is_a_directory);
  CHECK(code_of(fs::write_file_atomic(ctx, files, "target/x", "x")) == std::errc::not_a_directory);
  CHECK(code_of(fs::write_file_atomic(ctx, files, "missing/x", "x")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(fs::write_file_atomic(ctx, files, "/x", "x")) == std::errc::invalid_argument);
  CHECK(names_in(files, ".") == std::vector<std::string>{"directory", "link", "target"});
}

TEST_CASE("an atomic write does not replace a FIFO") {
  const TempDir directory;
  REQUIRE(::mkfifo((directory / "fifo").c_str(), 0600) == 0);
  fs::DiskFS files = fs::DiskFS::open_root(Context(), directory.path()).value();
  const auto written = fs::write_file_atomic(Context(), files, "fifo", "x");
  CHECK(text_of(written) == "write_file_atomic fifo: Operation not supported (not a regular file)");
  CHECK(files.lstat(Context(), "fifo").value().type == fs::FileType::fifo);
}

LEASH_FS_TEST("whichever step of an atomic write fails, the old content is whole and nothing else is left") {
  for (const bool takes_effect : {false, true}) {
    for (int number = 1;; ++number) {
      Subject subject(on);
      const Context ctx;
      put(subject.files(), "config", "old content");
      const bool changes_mode = set_mode(subject.files(), "config", 0666);
      FailingAt failing(subject.files());
      failing.fail_at(number);
      failing.takes_effect = takes_effect;
      fs::TrackedFS files(failing);
      const auto [tracker, tracked] = track::with_tracker(ctx);
      const auto written = fs::write_file_atomic(tracked, files, "config", "new content, which is longer");
      CAPTURE(number);
      CAPTURE(failing.failed);
      const track::Report report = track::Tracker(tracker).close();
      CHECK_MESSAGE(report.ok(), to_string(report));
      if (failing.failed.empty()) {
        CHECK(written);
        std::vector<std::string> steps{"lstat", "open",  "write",  "stat",    "chmod",
                                       "sync",  "close", "rename", "sync_dir"};
        if (!changes_mode) std::erase(steps, "chmod");
        CHECK(failing.operations == steps);
        break;
      }
      CHECK(code_of(written) == std::errc::no_space_on_device);
      CHECK(written.error().operation() == failing.failed);
      const bool renamed = failing.failed == "sync_dir" || (failing.failed == "rename" && takes_effect);
      CHECK(get(subject.files(), "config") == (renamed ? "new content, which is longer" : "old content"));
      CHECK(names_in(subject.files(), ".") == only_config);
    }
  }
}

TEST_CASE("if the new file cannot be removed either, the error says so") {
  fs::MemoryFS memory{{"config", "old"}};
  FailingAt failing(memory);
  failing.fails = [](int, std::string_view operation) { return operation == "write" || operation == "remove"; };
  const auto written = fs::write_file_atomic(Context(), failing, "config", "new");
  REQUIRE_FALSE(written);
  CHECK(written.error().operation() == "write");
  REQUIRE(written.error().causes().size() == 1);
  CHECK(written.error().causes()[0].operation() == "remove");
  CHECK(written.error().causes()[0].subject().starts_with(".leash-"));
  CHECK(get(memory, "config") == "old");
}

LEASH_FS_TEST("a Context that is done ends an atomic write at any step, and the new file is removed") {
  for (int number = 1; number <= 6; ++number) {
    Subject subject(on);
    put(subject.files(), "config", "old");
    FailingAt failing(subject.files());
    const auto [ctx, source] = Context().with_cancel();
    failing.fails = [number, &cancel = source](int n, std::string_view) {
      if (n == number) cancel.cancel();
      return false;
    };
    CAPTURE(number);
    CHECK(code_of(fs::write_file_atomic(ctx, failing, "config", "new")) == std::errc::operation_canceled);
    CHECK(get(subject.files(), "config") == "old");
    CHECK(names_in(subject.files(), ".") == only_config);
  }
}

TEST_CASE("whichever step of an atomic write ends in an exception, there is one content, whole, and no other file") {
  for (int number = 1;; ++number) {
    fs::MemoryFS memory;
    put(memory, "config", "old");
    FailingAt failing(memory);
    failing.throws = true;
    failing.fail_at(number);
    CAPTURE(number);
    bool thrown = false;
    try {
      CHECK(fs::write_file_atomic(Context(), failing, "config", "new"));
    } catch (const FailingAt::Thrown&) {
      thrown = true;
    }
    CHECK(names_in(memory, ".") == only_config);
    CHECK(get(memory, "config") == (thrown && failing.failed != "sync_dir" ? "old" : "new"));
    if (!thrown) break;
  }
}

TEST_CASE("a name that is taken is tried no more than once, and never written to") {
  fs::MemoryFS memory;
  FailingAt failing(memory);
  failing.code = std::errc::file_exists;
  failing.fails = [](int number, std::string_view operation) { return operation == "open" && number < 6; };
  CHECK(fs::write_file_atomic(Context(), failing, "config", "new"));
  CHECK(names_in(memory, ".") == only_config);
  failing.operations.clear();
  failing.fails = [](int, std::string_view operation) { return operation == "open"; };
  CHECK(code_of(fs::write_file_atomic(Context(), failing, "config", "newer")) == std::errc::file_exists);
  CHECK(failing.operations.size() == 17);
  CHECK(std::ranges::all_of(failing.opened, &fs::OpenOptions::exclusive));
  CHECK(get(memory, "config") == "new");
}

LEASH_FS_TEST("who reads while others write atomically finds one content, whole") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const std::string a(100'000, 'a');
  const std::string b(50'000, 'b');
  put(files, "config", a);
  const auto write = [&files](const std::string& content) {
    for (int i = 0; i < 20; ++i) {
      CHECK(fs::write_file_atomic(Context(), files, "config", content, {.sync = false}));
    }
  };
  std::thread writes_a(write, std::cref(a));
  std::thread writes_b(write, std::cref(b));
  for (int i = 0; i < 40; ++i) {
    const std::string content = get(files, "config");
    CHECK((content == a || content == b));
  }
  writes_a.join();
  writes_b.join();
  CHECK(names_in(files, ".") == only_config);
}

TEST_CASE("an atomic write of more than one piece is complete") {
  fs::MemoryFS memory;
  std::string content(std::size_t{9} << 20, 'x');
  content += "end";
  CHECK(fs::write_file_atomic(Context(), memory, "big", content));
  CHECK((get(memory, "big") == content));
}
