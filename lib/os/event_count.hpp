#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/futex.hpp>

namespace LEASH_NAMESPACE::os {

/// Something that threads wait for without a lock: `const auto seen = events.current();`, then look whether there is
/// still a reason to wait, then `events.wait(seen)`. Who takes the reason away notifies afterwards. No notification
/// between the two is lost (an eventcount: Reed and Kanodia, 1979).
///
/// In a forked child the threads that waited are gone, and those that wait there are woken as ever.
class EventCount {
 public:
  constexpr EventCount() noexcept = default;
  EventCount(const EventCount&) = delete;
  EventCount& operator=(const EventCount&) = delete;

  std::uint32_t current() const noexcept { return sequence_.load(); }

  /// Returns when there was a notification since `seen`, or for nothing.
  void wait(std::uint32_t seen) noexcept {
    waiting_.fetch_add(1);
    futex_wait(sequence_, seen);
    waiting_.fetch_sub(1);
  }

  /// The same, or when `deadline` has come.
  void wait_until(std::uint32_t seen, std::chrono::steady_clock::time_point deadline) noexcept {
    waiting_.fetch_add(1);
    futex_wait_until(sequence_, seen, deadline);
    waiting_.fetch_sub(1);
  }

  void notify_one() noexcept {
    sequence_.fetch_add(1);
    if (waiting_.load() != 0) futex_wake_one(sequence_);
  }

  void notify_all() noexcept {
    sequence_.fetch_add(1);
    if (waiting_.load() != 0) futex_wake_all(sequence_);
  }

 private:
  std::atomic<std::uint32_t> sequence_{0};
  /// No fewer than do: in a child those of the parent are counted too, which costs it system calls and no more.
  std::atomic<std::uint32_t> waiting_{0};
};

}  // namespace LEASH_NAMESPACE::os
