#include <leash/os/word_lock.hpp>

namespace LEASH_NAMESPACE::os {

void WordLock::lock_slowly() noexcept {
  for (std::uint32_t state = state_.load(std::memory_order_relaxed);; state = state_.load(std::memory_order_relaxed)) {
    if ((state & ~sleepers) != 0) {
      sleep(state);
    } else if (state_.compare_exchange_weak(state, state | writer, std::memory_order_acquire)) {
      return;
    }
  }
}

void WordLock::lock_shared_slowly() noexcept {
  for (std::uint32_t state = state_.load(std::memory_order_relaxed);; state = state_.load(std::memory_order_relaxed)) {
    // Also behind those who sleep while others read: else readers could keep a writer out for ever.
    const bool must_wait = (state & writer) != 0 || ((state & sleepers) != 0 && state != sleepers);
    if (must_wait) {
      sleep(state);
    } else if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acquire)) {
      return;
    }
  }
}

/// Waits until the state is no longer `state`, or may have been.
void WordLock::sleep(std::uint32_t state) noexcept {
  if ((state & sleepers) == 0 && !state_.compare_exchange_strong(state, state | sleepers, std::memory_order_relaxed)) {
    return;
  }
  futex_wait(state_, state | sleepers);
}

void WordLock::wake_sleepers() noexcept {
  std::uint32_t only_sleepers = sleepers;
  // If it fails, a thread has locked meanwhile, and wakes them when it unlocks.
  if (state_.compare_exchange_strong(only_sleepers, 0, std::memory_order_relaxed)) futex_wake_all(state_);
}

}  // namespace LEASH_NAMESPACE::os
