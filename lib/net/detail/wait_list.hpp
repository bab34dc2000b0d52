#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/net/detail/wakeable.hpp>
#include <leash/os/event_count.hpp>
#include <leash/os/mutex.hpp>

namespace LEASH_NAMESPACE::net::detail {

/// Who waits for a condition: threads, as at an `os::EventCount`, and asynchronous operations. The condition lies in
/// sequentially consistent atomics, or under a lock that the notifying thread has taken and released since it changed.
class WaitList {
 public:
  WaitList() noexcept = default;
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;

  /// Waits until `ready()`, which may be called any number of times.
  template <class Ready>
  void wait(Ready ready) noexcept {
    waiting_.fetch_add(1);
    threads_.wait(ready);
    waiting_.fetch_sub(1);
  }

  /// From now on each notification wakes `operation`, which looks at the condition once more after this call. It is in
  /// no other list, and stays alive until `remove`.
  void add(Wakeable& operation) noexcept;
  /// A notification that has begun before may still wake it.
  void remove(Wakeable& operation) noexcept;

  void notify_all() noexcept {
    if (waiting_.load() != 0) wake_all();
  }

 private:
  void wake_all() noexcept;

  std::atomic<std::uint32_t> waiting_{0};  ///< How many wait. In a forked child, at least.
  os::EventCount threads_;
  os::Mutex mutex_;
  Wakeable* first_ = nullptr;  ///< In the order in which they were added.
  Wakeable* last_ = nullptr;
  std::uint64_t last_number_ = 0;
};

}  // namespace LEASH_NAMESPACE::net::detail
