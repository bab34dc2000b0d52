#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <leash/clock.hpp>
#include <leash/context.hpp>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/track/kind.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

// What dump_test.cpp runs. Each part does something for which the environment may ask a report of the running program.

namespace {

using leash::Context;
using leash::track::Tag;

constexpr leash::track::Kind file{"file", "files"};

std::vector<Tag> open_files(const Context& ctx, std::size_t count) {
  std::vector<Tag> files;
  while (files.size() < count) {
    files.push_back(leash::track::acquire(ctx, {.kind = file, .name = "a", .on_drop = leash::track::OnDrop::closed}));
  }
  return files;
}

/// Waits until there is a file of that name: a report comes from another thread. False after a minute.
bool comes(const char* name) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!std::filesystem::exists(name)) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

int open_many() {
  // It looks when it is told to, in this thread.
  const auto clock = std::make_shared<leash::FakeClock>();
  auto [tracker, ctx] = leash::track::with_tracker(Context().with_clock(clock));
  std::vector<Tag> files = open_files(ctx, 70);
  if (!comes("dump-1.txt")) return 1;
  files.clear();
  clock->advance(std::chrono::seconds(1));
  files = open_files(ctx, 70);
  clock->advance(std::chrono::seconds(1));
  return comes("dump-2.txt") ? 0 : 2;
}

int get_signals() {
  auto [tracker, ctx] = leash::track::with_tracker(Context());
  const std::vector<Tag> files = open_files(ctx, 2);
  std::raise(SIGUSR2);
  if (!comes("dump-1.txt")) return 1;
  auto [other, other_ctx] = leash::track::with_tracker(Context());
  const std::vector<Tag> more = open_files(other_ctx, 3);
  std::raise(SIGUSR2);
  if (!comes("dump-2.txt")) return 2;
  return 0;
}

/// In a child, which has none of its parent's threads.
int get_signal_in_child() {
  const pid_t child = ::fork();
  if (child != 0) {
    int status = 0;
    return ::waitpid(child, &status, 0) == child ? status : 9;
  }
  auto [tracker, ctx] = leash::track::with_tracker(Context());
  const std::vector<Tag> files = open_files(ctx, 2);
  std::raise(SIGUSR2);
  ::_exit(comes("dump-1.txt") ? 0 : 1);
}

int run_out_of_descriptors() {
  auto [tracker, ctx] = leash::track::with_tracker(Context());
  auto disk = leash::fs::DiskFS::open_root(ctx, "/proc/self");
  if (!disk) return 3;
  leash::fs::TrackedFS files(*disk);
  std::vector<std::unique_ptr<leash::fs::File>> opened;
  for (int failed = 0; failed < 3;) {
    auto one = files.open(ctx, "stat");
    if (one) {
      opened.push_back(*std::move(one));
    } else if (one.error() != std::errc::too_many_files_open) {
      return 2;
    } else {
      ++failed;
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view part = argc < 2 ? "" : argv[1];
  if (part == "many") return open_many();
  if (part == "signals") return get_signals();
  if (part == "child") return get_signal_in_child();
  if (part == "out") return run_out_of_descriptors();
  return part == "nothing" ? 0 : 8;
}
