#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/futex.hpp>

namespace LEASH_NAMESPACE::os {

/// A reader-writer lock of 4 bytes, for objects of which there are many. As `os::SharedMutex` otherwise: for short
/// critical sections, and free in a forked child.
class WordLock {
 public:
  constexpr WordLock() noexcept = default;
  WordLock(const WordLock&) = delete;
  WordLock& operator=(const WordLock&) = delete;

  void lock() noexcept {
    Gate::enter();
    std::uint32_t free = 0;
    if (!state_.compare_exchange_strong(free, writer, std::memory_order_acquire)) [[unlikely]]
      lock_slowly();
  }

  void unlock() noexcept {
    if ((state_.exchange(0, std::memory_order_release) & sleepers) != 0) [[unlikely]]
      futex_wake_all(state_);
    Gate::leave();
  }

  void lock_shared() noexcept {
    Gate::enter();
    std::uint32_t state = state_.load(std::memory_order_relaxed);
    if ((state & (writer | sleepers)) != 0 ||
        !state_.compare_exchange_strong(state, state + 1, std::memory_order_acquire)) [[unlikely]]
      lock_shared_slowly();
  }

  void unlock_shared() noexcept {
    // The last reader wakes those who sleep.
    if (state_.fetch_sub(1, std::memory_order_release) - 1 == sleepers) [[unlikely]]
      wake_sleepers();
    Gate::leave();
  }

 private:
  // The state: how many readers there are, or `writer`; and `sleepers` if a thread waits for that to change.
  static constexpr std::uint32_t writer = 1U << 31U;
  static constexpr std::uint32_t sleepers = 1U << 30U;

  void lock_slowly() noexcept;
  void lock_shared_slowly() noexcept;
  void sleep(std::uint32_t state) noexcept;
  void wake_sleepers() noexcept;

  std::atomic<std::uint32_t> state_{0};
};

}  // namespace LEASH_NAMESPACE::os
