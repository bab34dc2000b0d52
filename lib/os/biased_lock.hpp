#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/asymmetric_fence.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/happens_before.hpp>
#include <leash/os/word_lock.hpp>

namespace LEASH_NAMESPACE::os {

/// A lock that may be biased to one thread, which it then costs no locked instruction (biased locking: Kawachiya et
/// al., 2002; here with the fences of asymmetric_fence.hpp). The first other thread that locks it ends that, by a
/// system call and for good. As `os::Mutex` otherwise: for short critical sections, and free in a forked child. Not in
/// a signal handler.
class BiasedLock {
 public:
  constexpr BiasedLock() noexcept = default;
  BiasedLock(const BiasedLock&) = delete;
  BiasedLock& operator=(const BiasedLock&) = delete;

  /// Holds the lock while it lives.
  class Guard {
   public:
    [[gnu::always_inline]] explicit Guard(BiasedLock& lock) noexcept : lock_(lock), by_bias_(lock.lock()) {
      happens_after(&lock_);
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    [[gnu::always_inline]] ~Guard() {
      happens_before(&lock_);
      lock_.unlock(by_bias_);
    }

   private:
    BiasedLock& lock_;
    const bool by_bias_;
  };

  /// Biases the lock to the calling thread, if that can have a thread index (thread_index.hpp). Called at
  /// most once.
  void bias() noexcept;

 private:
  static constexpr std::uint32_t nobody = 0;

  /// Returns whether the bias allowed it.
  [[gnu::always_inline]] bool lock() noexcept {
    Gate::Thread& self = Gate::thread;
    // The number of a stripe of one's own is that of no other live thread which has one.
    if (owner_.load(std::memory_order_relaxed) == self.number && self.own && self.depth == 0) [[likely]] {
      // As `Gate::enter`. One fence is for both: this thread stores `held_` and loads `owner_`, one that ends the bias
      // stores `owner_` and loads `held_`.
      self.depth = 1;
      self.stripe->store(1, std::memory_order_relaxed);
      held_.store(1, std::memory_order_relaxed);
      light_fence();
      if (Gate::state.load(std::memory_order_acquire) == Gate::open &&
          owner_.load(std::memory_order_relaxed) == self.number) [[likely]]
        return true;
      unlock(true);
    }
    lock_slowly();
    return false;
  }

  [[gnu::always_inline]] void unlock(bool by_bias) noexcept {
    if (!by_bias) {
      lock_.unlock();
      return;
    }
    Gate::Thread& self = Gate::thread;
    held_.store(0, std::memory_order_release);
    self.stripe->store(0, std::memory_order_release);
    light_fence();
    if (Gate::state.load(std::memory_order_acquire) != Gate::open || owner_.load(std::memory_order_relaxed) == nobody)
        [[unlikely]]
      wake();
    self.depth = 0;
  }

  void lock_slowly() noexcept;
  void wake() noexcept;

  std::atomic<std::uint32_t> owner_{nobody};  ///< The index of the thread it is biased to. Changes with `lock_` held.
  std::atomic<std::uint32_t> held_{0};        ///< 1 while the owner holds it by its bias.
  WordLock lock_;
};

}  // namespace LEASH_NAMESPACE::os
