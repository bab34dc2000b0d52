#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/futex.hpp>

namespace LEASH_NAMESPACE::os {

/// Something that threads wait for without a lock: `events.wait([&] { return !reason; })`. Who takes the reason away,
/// in a sequentially consistent atomic, notifies afterwards (an eventcount: Reed and Kanodia, 1979).
///
/// In a forked child the threads that waited are gone, and those that wait there are woken as ever.
class EventCount {
 public:
  constexpr EventCount() noexcept = default;
  EventCount(const EventCount&) = delete;
  EventCount& operator=(const EventCount&) = delete;

  template <class Ready>
  void wait(Ready ready) noexcept {
    if (ready()) return;
    waiting_.fetch_add(1);
    for (;;) {
      const std::uint32_t seen = sequence_.load();
      if (ready()) break;
      futex_wait(sequence_, seen);
    }
    waiting_.fetch_sub(1);
  }

  void notify_one() noexcept {
    if (waiting_.load() == 0) return;
    sequence_.fetch_add(1);
    futex_wake_one(sequence_);
  }

  void notify_all() noexcept {
    if (waiting_.load() == 0) return;
    sequence_.fetch_add(1);
    futex_wake_all(sequence_);
  }

 private:
  std::atomic<std::uint32_t> sequence_{0};
  /// No fewer than do: in a child those of the parent are counted too, which costs it system calls and no more.
  std::atomic<std::uint32_t> waiting_{0};
};

}  // namespace LEASH_NAMESPACE::os
