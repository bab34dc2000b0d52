#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/futex.hpp>

namespace LEASH_NAMESPACE::os {

/// A condition variable without a mutex (an eventcount: Reed and Kanodia, 1979). The condition lies in sequentially
/// consistent atomics:
///
///     waiting thread:   events.wait([&] { return !busy.load(); });
///     notifying thread: busy.store(false); events.notify_one();
///
/// A forked child may go on using one: that the parent's waiting threads are lost in it does no harm.
class EventCount {
 public:
  constexpr EventCount() noexcept = default;
  EventCount(const EventCount&) = delete;
  EventCount& operator=(const EventCount&) = delete;

  /// Waits until `ready()`, which may be called any number of times.
  template <class Ready>
  void wait(Ready ready) noexcept {
    if (ready()) return;
    waiters_.fetch_add(1);
    for (;;) {
      const std::uint32_t seen = sequence_.load();
      if (ready()) break;
      futex_wait(sequence_, seen);
    }
    waiters_.fetch_sub(1);
  }

  void notify_one() noexcept {
    if (waiters_.load() == 0) return;
    sequence_.fetch_add(1);
    futex_wake_one(sequence_);
  }

  void notify_all() noexcept {
    if (waiters_.load() == 0) return;
    sequence_.fetch_add(1);
    futex_wake_all(sequence_);
  }

 private:
  std::atomic<std::uint32_t> sequence_{0};  ///< Goes up by one with each notification while threads wait.
  /// At least the number of threads that wait. A forked child goes on counting those of its parent: notifying then
  /// makes system calls that wake nobody.
  std::atomic<std::uint32_t> waiters_{0};
};

}  // namespace LEASH_NAMESPACE::os
