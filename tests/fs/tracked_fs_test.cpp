#include <doctest/doctest.h>

#include <functional>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/kinds.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/fs/walk.hpp>
#include <leash/make_unique.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "recorder.hpp"
#include "subjects.hpp"

namespace fs = leash::fs;
namespace track = leash::track;
using leash::Context;

namespace {

/// How many findings of `rule` weigh as failures.
std::size_t failures(const track::Report& report, track::Rule rule) {
  std::size_t count = 0;
  for (const track::Group& group : report.groups) {
    if (group.rule == rule && group.severity == track::Severity::failure) count += group.count;
  }
  return count;
}

/// A tracker in a Context, and tracked files in memory.
struct Fixture {
  fs::MemoryFS memory{{"data.csv", "hello"}, {"logs/today.txt", "ok"}};
  fs::TrackedFS files{memory};
  track::TrackedContext tracked = track::with_tracker(Context());
  track::Tracker& tracker = tracked.tracker;
  const Context& ctx = tracked.context;
};

/// One write that fails.
class FailingFile final : public fs::ProxyFile {
 public:
  using ProxyFile::ProxyFile;

 private:
  leash::Result<void> do_write(std::span<const std::byte>, std::source_location) override {
    return leash::fail("write", path(), std::errc::no_space_on_device);
  }
};

class FailingFS final : public fs::ProxyFileSystem {
 public:
  using ProxyFileSystem::ProxyFileSystem;

 private:
  leash::Result<std::unique_ptr<fs::File>> do_open(leash::Call call, std::string_view path,
                                                   const fs::OpenOptions& options) override {
    return std::make_unique<FailingFile>(ProxyFileSystem::do_open(call, path, options).value());
  }
};

/// While its sync is under way, someone writes, as another thread might.
class WrittenInSync final : public fs::ProxyFile {
 public:
  WrittenInSync(std::unique_ptr<fs::File> inner, std::function<void()> write)
      : ProxyFile(std::move(inner)), write_(std::move(write)) {}

 private:
  leash::Result<void> do_sync(std::source_location site) override {
    auto result = ProxyFile::do_sync(site);
    write_();
    return result;
  }

  std::function<void()> write_;
};

class WrittenInSyncFS final : public fs::ProxyFileSystem {
 public:
  using ProxyFileSystem::ProxyFileSystem;
  std::function<void()> write;

 private:
  leash::Result<std::unique_ptr<fs::File>> do_open(leash::Call call, std::string_view path,
                                                   const fs::OpenOptions& options) override {
    return std::make_unique<WrittenInSync>(ProxyFileSystem::do_open(call, path, options).value(), [this] { write(); });
  }
};

/// Closes the tracker while the file is being opened.
class ClosingFS final : public fs::ProxyFileSystem {
 public:
  ClosingFS(fs::FileSystem& inner, track::Tracker tracker) : ProxyFileSystem(inner), tracker_(std::move(tracker)) {}

 private:
  leash::Result<std::unique_ptr<fs::File>> do_open(leash::Call call, std::string_view path,
                                                   const fs::OpenOptions& options) override {
    static_cast<void>(tracker_.close());
    return ProxyFileSystem::do_open(call, path, options);
  }
  leash::Result<std::unique_ptr<fs::Dir>> do_open_dir(leash::Call call, std::string_view path) override {
    static_cast<void>(tracker_.close());
    return ProxyFileSystem::do_open_dir(call, path);
  }

  track::Tracker tracker_;
};

}  // namespace

TEST_CASE("tracked files do what files do") {
  Fixture f;
  put(f.files, "new", "content");
  CHECK(fs::write_file(f.ctx, f.files, "other", "content"));
  CHECK(fs::read_file(f.ctx, f.files, "other").value() == "content");
  CHECK(fs::walk(f.ctx, f.files, ".", [](auto, const auto&, const auto&) { return fs::WalkNext::go_on; }));
  CHECK(code_of(f.files.open(f.ctx, "missing")) == std::errc::no_such_file_or_directory);
  CHECK(code_of(f.files.open_dir(f.ctx, "missing")) == std::errc::no_such_file_or_directory);
  const track::Report report = f.tracker.close();
  CHECK(report.ok());
  if constexpr (leash::tracking_enabled) {
    CHECK(report.opened == 2);
    CHECK(report.closed == 2);
  }
}

TEST_CASE("a file that is still open is leaked, with the line of the user who opened it") {
  Fixture f;
  const unsigned line = __LINE__ + 1;
  const auto file = f.files.open(f.ctx.with_note("fetch user 42"), "data.csv").value();
  const auto dir = f.files.open_dir(f.ctx, "logs").value();
  std::byte byte{};
  const unsigned used = __LINE__ + 1;
  CHECK(file->read({&byte, 1}));
  const track::Report report = f.tracker.close();
  CHECK(report.ok() == !leash::tracking_enabled);
  if constexpr (leash::tracking_enabled) {
    CHECK(failures(report, track::Rule::leaked) == 2);
    REQUIRE(report.groups.size() == 2);
    CHECK(report.groups[0].kind == fs::kinds::file);
    CHECK(report.groups[0].opened.site.line() == line);
    CHECK(report.groups[0].opened.site.file_name() == std::string("tests/fs/tracked_fs_test.cpp"));
    const track::Instance& instance = report.groups[0].instances[0];
    CHECK(instance.name == "data.csv");
    CHECK(instance.descriptor == -1);
    REQUIRE(instance.last_use);
    CHECK(instance.last_use->at.site.line() == used);
    REQUIRE(instance.notes.size() == 1);
    CHECK(instance.notes[0].text == "fetch user 42");
    CHECK(report.groups[1].kind == fs::kinds::directory);
    CHECK(report.groups[1].opened.site.line() == line + 1);
  }
}

TEST_CASE("the descriptor of a file on the disk is known") {
  const TempDir directory;
  fs::DiskFS disk = fs::DiskFS::open_root(Context(), directory.path()).value();
  fs::TrackedFS files(disk);
  auto [tracker, ctx] = track::with_tracker(Context());
  const auto file = files.create(ctx, "file").value();
  CHECK(file->native_handle() >= 0);
  const track::Report report = tracker.snapshot();
  if constexpr (leash::tracking_enabled) {
    REQUIRE(report.groups.size() == 1);
    CHECK(report.groups[0].instances[0].descriptor == file->native_handle());
  }
  CHECK(file->close());
  CHECK(tracker.open_count() == 0);
}

TEST_CASE("files and directories that are closed, by hand or by a reader's destructor, are no findings") {
  Fixture f;
  CHECK(f.files.open(f.ctx, "data.csv").value()->close());
  CHECK(f.files.open_dir(f.ctx, "logs").value()->close());
  static_cast<void>(f.files.open(f.ctx, "data.csv").value());
  static_cast<void>(f.files.open_dir(f.ctx, "logs").value());
  static_cast<void>(f.files.create(f.ctx, "never written").value());
  CHECK(f.tracker.open_count() == 0);
  CHECK(f.tracker.close().groups.empty());
}

TEST_CASE("a writer that is dropped has lost an error, unless it was synced or closed") {
  Fixture f;
  const auto dropped_after = [&](auto use) {
    auto [tracker, ctx] = track::with_tracker(Context());
    {
      const auto file = f.files.open(ctx, "file", {.read = true, .write = true, .create = true}).value();
      use(*file);
    }
    const track::Report report = tracker.close();
    CHECK(failures(report, track::Rule::dropped) == report.groups.size());
    return !report.ok();
  };
  constexpr bool on = leash::tracking_enabled;
  CHECK(dropped_after([](fs::File& file) { CHECK(file.write("x")); }) == on);
  CHECK(dropped_after([](fs::File& file) { CHECK(file.write_at("x", 0)); }) == on);
  CHECK(dropped_after([](fs::File& file) { CHECK(file.truncate(1)); }) == on);
  CHECK(dropped_after([](fs::File& file) {
          CHECK(file.write("x"));
          CHECK(file.sync());
          CHECK(file.write("y"));
        }) == on);
  CHECK_FALSE(dropped_after([](fs::File& file) {
    CHECK(file.write("x"));
    CHECK(file.sync());
  }));
  CHECK_FALSE(dropped_after([](fs::File& file) {
    CHECK(file.write("x"));
    CHECK(file.close());
  }));
  CHECK_FALSE(dropped_after([](fs::File&) {}));
  CHECK_FALSE(dropped_after([](fs::File& file) {
    std::byte byte{};
    CHECK(file.read({&byte, 1}));
    CHECK(file.seek(0));
    CHECK(file.stat());
  }));
}

TEST_CASE("what is written while a sync is under way may be lost, what was written before is not") {
  if (!leash::tracking_enabled) return;
  fs::MemoryFS memory;
  WrittenInSyncFS inner(memory);
  fs::TrackedFS files(inner);
  const auto dropped_after = [&](bool writes_meanwhile, int syncs) {
    const auto [tracker, ctx] = track::with_tracker(Context());
    {
      const auto file = files.create(ctx, "file").value();
      inner.write = [&] {
        if (std::exchange(writes_meanwhile, false)) CHECK(file->write_at("lost?", 0));
      };
      CHECK(file->write("kept"));
      while (syncs-- != 0) CHECK(file->sync());
    }
    return failures(track::Tracker(tracker).close(), track::Rule::dropped);
  };
  CHECK(dropped_after(true, 1) == 1);
  CHECK(dropped_after(true, 2) == 0);
  CHECK(dropped_after(false, 1) == 0);
  CHECK(dropped_after(false, 0) == 1);
}

TEST_CASE("writes and syncs of many threads leave a file dropped only if the last word is a write") {
  if (!leash::tracking_enabled) return;
  fs::MemoryFS memory;
  fs::TrackedFS files(memory);
  for (int round = 0; round != 200; ++round) {
    const auto [tracker, ctx] = track::with_tracker(Context());
    {
      const auto file = files.create(ctx, "file").value();
      {
        const std::jthread writer([&] {
          for (int i = 0; i != 10; ++i) static_cast<void>(file->write_at("x", 0));
        });
        const std::jthread syncer([&] {
          for (int i = 0; i != 10; ++i) static_cast<void>(file->sync());
        });
      }
      if (round % 2 == 0) CHECK(file->sync());
      if (round % 4 == 1) CHECK(file->write_at("y", 0));
    }
    const std::size_t dropped = failures(track::Tracker(tracker).close(), track::Rule::dropped);
    if (round % 2 == 0) CHECK(dropped == 0);
    if (round % 4 == 1) CHECK(dropped == 1);
  }
}

TEST_CASE("a writer that is dropped after its owner was told of an error is a note") {
  Fixture f;
  FailingFS failing(f.memory);
  fs::TrackedFS files(failing);
  {
    const auto file = files.create(f.ctx, "file").value();
    CHECK(file->truncate(3));
    CHECK(code_of(file->write("x")) == std::errc::no_space_on_device);
  }
  const track::Report report = f.tracker.close();
  CHECK(report.ok());
  if constexpr (leash::tracking_enabled) {
    REQUIRE(report.groups.size() == 1);
    CHECK(report.groups[0].rule == track::Rule::dropped);
    CHECK(report.groups[0].severity == track::Severity::note);
  }
}

TEST_CASE("release ends the tracking where it succeeds") {
  const TempDir directory;
  fs::DiskFS disk = fs::DiskFS::open_root(Context(), directory.path()).value();
  auto [tracker, ctx] = track::with_tracker(Context());
  fs::TrackedFS files(disk);
  const auto file = files.create(ctx, "file").value();
  CHECK(file->write("x"));
  const leash::os::Descriptor descriptor(file->release().value());
  CHECK(descriptor);
  CHECK(tracker.open_count() == 0);

  fs::MemoryFS memory;
  fs::TrackedFS in_memory(memory);
  const auto kept = in_memory.create(ctx, "file").value();
  CHECK_FALSE(kept->release());
  CHECK(tracker.open_count() == (leash::tracking_enabled ? 1 : 0));
  CHECK(kept->close());
  CHECK(tracker.open_count() == 0);
}

LEASH_FS_TEST("the operations of a file count as what they are") {
  if (!leash::tracking_enabled) return;
  Subject subject(on);
  fs::TrackedFS files(subject.files());
  put(subject.files(), "file", "content");
  /// The findings on a file that is dropped after `use`, whose last use is to be in `line`.
  const auto dropped_after = [&](unsigned line, auto use) {
    auto [tracker, ctx] = track::with_tracker(Context());
    {
      const auto file = files.open(ctx, "file", {.read = true, .write = true}).value();
      use(*file);
      const track::Report open = tracker.snapshot();
      REQUIRE(open.groups.size() == 1);
      REQUIRE(open.groups[0].instances[0].last_use);
      CHECK(open.groups[0].instances[0].last_use->at.site.line() == line);
    }
    return failures(tracker.close(), track::Rule::dropped);
  };
  const leash::Clock::system_time_point now{};
  // clang-format off
  CHECK(dropped_after(__LINE__, [](fs::File& file) { CHECK(file.allocate(0, 100)); }) == 1);
  CHECK(dropped_after(__LINE__, [](fs::File& file) { CHECK(file.write("x")); CHECK(file.sync_data()); }) == 0);
  CHECK(dropped_after(__LINE__, [](fs::File& file) { CHECK(file.chmod(0600)); }) == 0);
  CHECK(dropped_after(__LINE__, [&](fs::File& file) { CHECK(file.set_times(now, now)); }) == 0);
  CHECK(dropped_after(__LINE__, [](fs::File& file) { CHECK(file.try_lock(fs::LockMode::exclusive)); }) == 0);
  CHECK(dropped_after(__LINE__, [](fs::File& file) { CHECK(file.lock(Context(), fs::LockMode::shared)); }) == 0);
  CHECK(dropped_after(__LINE__, [](fs::File& file) { CHECK(file.unlock()); }) == 0);
  CHECK(dropped_after(__LINE__, [](fs::File& file) { CHECK(file.map(0, 1).value()->close()); }) == 0);
  // That someone else holds a lock does not excuse that a file is dropped.
  const auto other = subject.files().open(Context(), "file").value();
  CHECK(other->try_lock(fs::LockMode::shared));
  CHECK(dropped_after(__LINE__, [](fs::File& file) { CHECK(file.write("x")); CHECK_FALSE(file.try_lock(fs::LockMode::exclusive)); }) == 1);
  // clang-format on
}

LEASH_FS_TEST("a mapping that is still open is leaked, with the line that mapped it") {
  Subject subject(on);
  put(subject.files(), "file", "content");
  fs::TrackedFS files(subject.files());
  auto [tracker, ctx] = track::with_tracker(Context().with_note("fetch user 42"), {.on_late = [](const auto&) {}});
  const auto file = files.open(ctx, "file", {.read = true, .write = true}).value();
  const unsigned line = __LINE__ + 1;
  const auto mapping = file->map(1, 3, fs::MapMode::write).value();
  const unsigned used = __LINE__ + 1;
  CHECK(mapping->sync());
  CHECK(file->close());
  const track::Report report = tracker.close();
  if constexpr (leash::tracking_enabled) {
    CHECK_FALSE(report.ok());
    REQUIRE(report.groups.size() == 1);
    CHECK(report.groups[0].rule == track::Rule::leaked);
    CHECK(report.groups[0].kind == fs::kinds::mapping);
    CHECK(report.groups[0].opened.site.line() == line);
    const track::Instance& instance = report.groups[0].instances[0];
    CHECK(instance.name == "file");
    CHECK(instance.notes.size() == 1);
    REQUIRE(instance.last_use);
    CHECK(instance.last_use->at.site.line() == used);
    CHECK(to_string(report).find("1 mapping not closed") != std::string::npos);
  }
  CHECK(mapping->bytes().size() == 3);
}

LEASH_FS_TEST("a mapping may outlive its file, and be left to its destructor") {
  Subject subject(on);
  put(subject.files(), "file", "content");
  fs::TrackedFS files(subject.files());
  auto [tracker, ctx] = track::with_tracker(Context());
  const auto mapped = [&files, &context = ctx](fs::MapMode mode) {
    const auto file = files.open(context, "file", {.read = true, .write = true}).value();
    auto mapping = file->map(0, 7, mode).value();
    CHECK(file->close());
    return mapping;
  };
  {
    const auto closed = mapped(fs::MapMode::write);
    const auto dropped = mapped(fs::MapMode::write);
    CHECK(tracker.open_count() == (leash::tracking_enabled ? 2 : 0));
    CHECK(closed->bytes().size() == 7);
    CHECK(closed->close());
  }
  CHECK(tracker.open_count() == 0);
  CHECK(tracker.close().groups.empty());
}

TEST_CASE("a mapping that is closed twice, or used after its close, is a finding") {
  if (!leash::tracking_enabled) return;
  Fixture f;
  const auto mapping = f.files.open(f.ctx, "data.csv").value()->map(0, 5).value();
  CHECK(mapping->close());
  CHECK_FALSE(mapping->close());
  CHECK_FALSE(mapping->sync());
  const track::Report report = f.tracker.close();
  CHECK(failures(report, track::Rule::double_close) == 1);
  CHECK(failures(report, track::Rule::use_after_close) == 1);
}

TEST_CASE("a file that is in use after the verdict can be mapped, which is told of as late") {
  if (!leash::tracking_enabled) return;
  fs::MemoryFS memory{{"data.csv", "hello"}};
  fs::TrackedFS files(memory);
  std::size_t late = 0;
  auto [tracker, ctx] = track::with_tracker(Context(), {.on_late = [&](const track::Report& report) {
                                              late += failures(report, track::Rule::opened_after_end);
                                            }});
  const auto file = files.open(ctx, "data.csv").value();
  static_cast<void>(tracker.close());
  const auto mapping = file->map(0, 5).value();
  CHECK(mapping->bytes().size() == 5);
  CHECK(late == 1);
}

TEST_CASE("mappings of a file without a tracker are those of the inner file") {
  RecordingFS recorder;
  fs::TrackedFS files(recorder);
  CHECK(dynamic_cast<RecordingMapping*>(files.open(Context(), "a").value()->map(0, 1).value().get()) != nullptr);
}

TEST_CASE("a handle may outlive the tracker, the decorator and the file system") {
  std::unique_ptr<fs::File> file;
  {
    Fixture f;
    file = f.files.open(f.ctx, "data.csv", {.read = true, .write = true}).value();
  }
  CHECK(file->write("HELLO"));
  CHECK(file->stat().value().size == 5);
  CHECK(file->close());
}

TEST_CASE("the tracker of the Context goes before the fallback") {
  fs::MemoryFS memory{{"file", ""}};
  track::Tracker fallback;
  auto [tracker, ctx] = track::with_tracker(Context());
  fs::TrackedFS files(memory, {.fallback = fallback});
  const auto one = files.open(ctx, "file").value();
  constexpr std::size_t each = leash::tracking_enabled ? 1 : 0;
  CHECK(tracker.open_count() == each);
  CHECK(fallback.open_count() == 0);
  const auto two = files.open(Context(), "file").value();
  const auto three = files.open_dir(Context(), ".").value();
  CHECK(tracker.open_count() == each);
  CHECK(fallback.open_count() == 2 * each);
}

TEST_CASE("without a tracker, or with tracking compiled out, the inner handle itself is returned") {
  RecordingFS recorder;
  fs::TrackedFS files(recorder);
  const auto file = files.open(Context(), "file").value();
  const auto dir = files.open_dir(Context(), "dir").value();
  CHECK(dynamic_cast<RecordingFile*>(file.get()) != nullptr);
  CHECK(dynamic_cast<RecordingDir*>(dir.get()) != nullptr);
  auto [tracker, ctx] = track::with_tracker(Context());
  const auto tracked = files.open(ctx, "file").value();
  CHECK((dynamic_cast<RecordingFile*>(tracked.get()) == nullptr) == leash::tracking_enabled);
}

TEST_CASE("when the tracker is closed, nothing is opened, created or emptied") {
  if constexpr (leash::tracking_enabled) {
    Fixture f;
    static_cast<void>(f.tracker.close());
    const auto read = f.files.open(f.ctx, "data.csv");
    CHECK(code_of(read) == track::errc::tracker_closed);
    CHECK(read.error().operation() == "open");
    CHECK(read.error().subject() == "data.csv");
    CHECK(text_of(read).find("tracked_fs_test.cpp") != std::string::npos);
    CHECK(code_of(f.files.create(f.ctx, "data.csv")) == track::errc::tracker_closed);
    CHECK(code_of(f.files.create(f.ctx, "new")) == track::errc::tracker_closed);
    CHECK(code_of(f.files.open_dir(f.ctx, "logs")) == track::errc::tracker_closed);
    CHECK(f.memory.dump() == "data.csv \"hello\"\nlogs/\nlogs/today.txt \"ok\"\n");
    CHECK(f.files.stat(f.ctx, "data.csv"));
  }
}

TEST_CASE("when the tracker closes while a file is opened, it is closed again") {
  if constexpr (leash::tracking_enabled) {
    RecordingFS recorder;
    auto [tracker, ctx] = track::with_tracker(Context());
    ClosingFS closing(recorder, tracker);
    fs::TrackedFS files(closing);
    CHECK(code_of(files.open(ctx, "file")) == track::errc::tracker_closed);
    CHECK(recorder.of_file.counts == std::map<std::string, int>{{"close", 1}});
    auto [second, second_ctx] = track::with_tracker(Context());
    ClosingFS closing_again(recorder, second);
    fs::TrackedFS again(closing_again);
    CHECK(code_of(again.open_dir(second_ctx, "dir")) == track::errc::tracker_closed);
    CHECK(recorder.of_dir.counts == std::map<std::string, int>{{"close", 1}});
  }
}

TEST_CASE("a file that a constructor opens is reported at the line that makes the object with make_unique") {
  struct Journal {
    Journal(leash::Call call, fs::FileSystem& files, std::string_view path) : file(files.open(call, path).value()) {}
    std::unique_ptr<fs::File> file;
  };
  Fixture f;
  const unsigned here = __LINE__;
  const auto unique = leash::make_unique<Journal>(f.ctx, f.files, "data.csv");
  const auto shared = leash::make_shared<Journal>(f.ctx, f.files, "logs/today.txt");
  if constexpr (leash::tracking_enabled) {
    const track::Report report = f.tracker.snapshot();
    REQUIRE(report.groups.size() == 2);
    CHECK(report.groups[0].opened.site.line() == here + 1);
    CHECK(report.groups[1].opened.site.line() == here + 2);
  }
}
