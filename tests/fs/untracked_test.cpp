#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/fs/walk.hpp>
#include <leash/fs/write_file.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "temp_dir.hpp"

#if LEASH_TRACKING

namespace fs = leash::fs;
namespace track = leash::track;
using leash::Call;
using leash::Context;
using leash::Result;
using track::Origin;
using track::Report;
using track::Rule;
using track::Severity;

namespace {

track::TrackedContext judging() {
  return track::with_tracker(Context(), {.rules = {.leaked = Severity::off,
                                                   .dropped = Severity::off,
                                                   .opened_after_end = Severity::off,
                                                   .untracked = Severity::failure,
                                                   .closed_late = Severity::off}});
}

/// The names in a report, each on a line.
std::string names(const Report& report) {
  std::string all;
  for (const track::Group& group : report.groups) {
    for (const auto& instance : group.instances) all += instance.name + "\n";
  }
  return all;
}

/// Gives verdicts while `work` runs again and again in another thread. None may have anything but `past`, and each
/// must.
void judge_meanwhile(const std::string& past, const std::function<void(const Context&)>& work) {
  for (int round = 0; round < 100; ++round) {
    auto [tracker, ctx] = judging();
    const int foreign = ::open(past.c_str(), O_RDONLY | O_CLOEXEC);
    std::atomic<bool> stop = false;
    std::atomic<int> done = 0;
    std::thread worker([&, context = ctx] {
      while (!stop) {
        work(context);
        ++done;
      }
    });
    while (done < 3) std::this_thread::yield();
    const Report report = tracker.close();
    stop = true;
    worker.join();
    ::close(foreign);
    REQUIRE(report.groups.size() == 1);
    REQUIRE(report.groups[0].count == 1);
    REQUIRE(report.groups[0].instances[0].name.starts_with(past + ";"));
  }
}

/// A user's own file system: one descriptor that leash has no part in.
class OwnFile final : public fs::File {
 public:
  explicit OwnFile(int number) : number_(number) {}
  ~OwnFile() override { ::close(number_); }

 private:
  Result<void> do_close(std::source_location) override { return {}; }
  int do_native_handle() const noexcept override { return number_; }
  std::string_view do_path() const noexcept override { return "own"; }

  int number_;
};

class OwnFS final : public fs::ProxyFileSystem {
 public:
  OwnFS(fs::FileSystem& inner, std::string path) : ProxyFileSystem(inner), path_(std::move(path)) {}

 private:
  Result<std::unique_ptr<fs::File>> do_open(Call, std::string_view, const fs::OpenOptions&) override {
    return std::make_unique<OwnFile>(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  }

  std::string path_;
};

}  // namespace

TEST_CASE("no verdict accuses what a TrackedFS opens and closes at that moment") {
  const TempDir folder;
  fs::DiskFS disk = fs::DiskFS::open_root(Context(), folder.path()).value();
  REQUIRE(fs::write_file(Context(), disk, "data.txt", "x"));
  REQUIRE(fs::write_file(Context(), disk, "past.txt", "x"));
  fs::TrackedFS files(disk);
  judge_meanwhile(folder / "past.txt", [&](const Context& context) {
    const auto dropped = files.open(context, "data.txt");
    if (const auto closed = files.open(context, "data.txt")) static_cast<void>((*closed)->close());
    static_cast<void>(files.open_dir(context, "."));
  });
}

TEST_CASE("no verdict accuses what leash opens for itself") {
  const TempDir folder;
  for (const bool use_openat2 : {true, false}) {
    const fs::DiskFS::Options options{.use_openat2 = use_openat2};
    fs::DiskFS disk = fs::DiskFS::open_root(Context(), folder.path(), options).value();
    REQUIRE(fs::write_file(Context(), disk, "past.txt", "x"));
    judge_meanwhile(folder / "past.txt", [&](const Context&) {
      static_cast<void>(disk.mkdir_all(Context(), "a/b/c"));
      static_cast<void>(disk.stat(Context(), "a/b/c"));
      static_cast<void>(disk.read_dir(Context(), "a"));
      static_cast<void>(disk.sync_dir(Context(), "a/b"));
      static_cast<void>(disk.remove_all(Context(), "a"));
      static_cast<void>(fs::DiskFS::open_root(Context(), folder.path(), options));
      static_cast<void>(to_string(judging().tracker.close()));
    });
  }
}

TEST_CASE("no verdict accuses what a file system of the user's own opens below a TrackedFS") {
  const TempDir folder;
  fs::DiskFS disk = fs::DiskFS::open_root(Context(), folder.path()).value();
  REQUIRE(fs::write_file(Context(), disk, "data.txt", "x"));
  REQUIRE(fs::write_file(Context(), disk, "past.txt", "x"));
  OwnFS own(disk, folder / "data.txt");
  fs::TrackedFS files(own);
  judge_meanwhile(folder / "past.txt",
                  [&](const Context& context) { const auto dropped = files.open(context, "data.txt"); });
}

TEST_CASE("a handle without a tag is told as that, and one with a tag of another tracker, or a root, is not") {
  const TempDir folder;
  auto [tracker, ctx] = judging();
  auto [other, other_ctx] = track::with_tracker(Context());
  fs::DiskFS disk = fs::DiskFS::open_root(ctx, folder.path()).value();
  fs::TrackedFS files(disk);
  const auto tagged = files.create(other_ctx, "tagged").value();
  const auto also_tagged = files.create(ctx, "also tagged").value();
  const auto plain = disk.create(ctx, "plain").value();
  const auto directory = files.open_dir(Context(), ".").value();
  const Report report = tracker.close();
  CHECK(names(report).starts_with(folder / "plain;"));
  REQUIRE(report.groups.size() == 2);
  for (const track::Group& group : report.groups) {
    CHECK(group.rule == Rule::untracked);
    CHECK(group.origin == Origin::without_tag);
  }
  CHECK(to_string(report).contains("error: 1 descriptor opened without a tracker [untracked]\n"));
}

TEST_CASE("a file given away by release is told with its places, as long as it is that file") {
  const TempDir folder;
  auto [tracker, ctx] = judging();
  fs::DiskFS disk = fs::DiskFS::open_root(ctx, folder.path()).value();
  fs::TrackedFS files(disk);
  const auto given = files.create(ctx, "given").value();
  const unsigned opened = __LINE__ - 1;
  const int number = given->release().value();
  const unsigned released = __LINE__ - 1;
  const auto again = files.create(ctx, "again").value();
  const int closed = again->release().value();
  ::close(closed);
  const int past = ::open((folder / "again").c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(past == closed);
  // Used by its new owner: that changes its position, and may change its mode.
  REQUIRE(::write(number, "x", 1) == 1);
  REQUIRE(::fcntl(number, F_SETFL, O_APPEND | O_NONBLOCK) == 0);
  const Report report = tracker.close();
  ::close(number);
  ::close(past);
  REQUIRE(report.groups.size() == 2);
  const track::Group& group = report.groups[0];
  CHECK(group.origin == Origin::released);
  CHECK(group.instances[0].descriptor == number);
  CHECK(group.opened.site.line() == opened);
  CHECK(group.closed.site.line() == released);
  CHECK(report.groups[1].origin == Origin::past_leash);
  CHECK(report.groups[1].instances[0].descriptor == past);
}

#endif
