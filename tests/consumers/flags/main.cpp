// Threads that share Contexts, a tracker, a file system and a clock; one of them leaks a file, and the report must say
// so.

#include <chrono>
#include <iostream>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/fs/write_file.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "key.hpp"
#include "network.hpp"

namespace {

constexpr int threads = 4;
constexpr int rounds = 200;

struct Slots {
  std::vector<leash::track::Tag> tags = std::vector<leash::track::Tag>(threads);
};

/// All that a thread does; true if it was as it should be.
bool work(int number, const leash::Context& ctx, leash::fs::FileSystem& files, Slots& slots) {
  const std::string own = "own-" + std::to_string(number);
  bool right = true;
  for (int round = 0; round < rounds; ++round) {
    auto [child, source] = ctx.with_note(own).with_value<UserId>(number).with_cancel();
    const leash::Context late = child.with_timeout(std::chrono::hours(1));
    right = right && *late.value<UserId>() == number && !late.done();
    right = right && leash::fs::write_file(late, files, own, std::to_string(round)).has_value();
    right = right && leash::fs::read_file(late, files, own).value() == std::to_string(round);
    right = right && files.open(late, "shared").value()->close().has_value();
    source.cancel();
    right = right && late.done() && files.open(late, "missing").error() == std::errc::operation_canceled;
  }
  slots.tags[static_cast<std::size_t>(number)] = leash::track::acquire(ctx, {{"slot", "slots"}, own});
  return right;
}

}  // namespace

int main() {
  auto [tracker, ctx] = leash::track::with_tracker(leash::Context::background());
  leash::fs::MemoryFS memory{{"shared", "text"}};
  leash::fs::TrackedFS files(memory);
  Slots slots;
  std::vector<char> right(threads);
  {
    std::vector<std::jthread> running;
    for (int number = 0; number < threads; ++number) {
      running.emplace_back(
          [&, number, own = ctx] { right[static_cast<std::size_t>(number)] = work(number, own, files, slots); });
    }
    for (int round = 0; round < rounds / 10; ++round) static_cast<void>(tracker.snapshot());
  }
  for (leash::track::Tag& tag : slots.tags) tag.close();
  for (const char one : right) {
    if (one == 0) return 1;
  }
#ifdef WITH_RTTI
  if (user_id_with_rtti(ctx.with_value<UserId>(7)) != 7) return 1;
#endif
#ifdef WITH_NETWORK
  if (!use_network()) return 1;
#endif

  const auto forgotten = files.open(ctx, "shared");
  const leash::track::Report report = tracker.close();
  std::cout << report;
  return forgotten && !report.ok() && report.groups.size() == 1 && report.groups[0].kind.one == "file" ? 0 : 1;
}
