#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/futex.hpp>
#include <leash/os/mutex.hpp>
#include <mutex>

namespace LEASH_NAMESPACE::os {

/// As `std::condition_variable`, for an `os::Mutex`, and usable in a forked child. The waiting thread must hold no
/// other `os::Mutex`. The notifying thread has the mutex locked when it changes the condition, or locks it after that;
/// then it notifies, with the mutex locked or not. Deadlines are those of `std::chrono::steady_clock`. Waits may return
/// spuriously, except that with a condition.
class ConditionVariable {
 public:
  constexpr ConditionVariable() noexcept = default;
  ConditionVariable(const ConditionVariable&) = delete;
  ConditionVariable& operator=(const ConditionVariable&) = delete;

  void wait(std::unique_lock<Mutex>& lock) {
    sleep(lock, [this](std::uint32_t seen) { futex_wait(sequence_, seen); });
  }

  /// Waits until `ready()`, which is called with the mutex locked.
  template <class Ready>
  void wait(std::unique_lock<Mutex>& lock, Ready ready) {
    while (!ready()) wait(lock);
  }

  void wait_until(std::unique_lock<Mutex>& lock, std::chrono::steady_clock::time_point deadline) {
    sleep(lock, [&](std::uint32_t seen) { futex_wait_until(sequence_, seen, deadline); });
  }

  void notify_all() noexcept {
    if (waiters_.load() == 0) return;
    sequence_.fetch_add(1);
    futex_wake_all(sequence_);
  }

 private:
  /// `wait_while_still(sequence)` waits on the futex as long as `sequence_` has that value.
  template <class Wait>
  void sleep(std::unique_lock<Mutex>& lock, Wait wait_while_still) {
    // Before the unlock: a notifier that locks the mutex after this thread sees that it waits.
    waiters_.fetch_add(1);
    const std::uint32_t seen = sequence_.load();
    lock.unlock();
    wait_while_still(seen);
    waiters_.fetch_sub(1);
    lock.lock();
  }

  std::atomic<std::uint32_t> sequence_{0};  ///< Goes up by one with each notification while threads wait.
  std::atomic<std::uint32_t> waiters_{0};   ///< At least the number of threads that wait: see EventCount.
};

}  // namespace LEASH_NAMESPACE::os
