#include <leash/os/biased_lock.hpp>
#include <leash/os/futex.hpp>
#include <leash/os/thread_index.hpp>
#include <mutex>

namespace LEASH_NAMESPACE::os {

void BiasedLock::bias() noexcept {
  static_cast<void>(thread_index());
  if (!Gate::has_own_stripe()) return;
  const std::lock_guard lock(lock_);
  owner_.store(Gate::stripe_number(), std::memory_order_relaxed);
}

void BiasedLock::lock_slowly() noexcept {
  // For a cheaper gate.
  if (!Gate::has_own_stripe()) static_cast<void>(thread_index());
  lock_.lock();
  if (owner_.load(std::memory_order_relaxed) == nobody) return;
  owner_.store(nobody, std::memory_order_relaxed);
  heavy_fence();
  while (held_.load(std::memory_order_acquire) != 0) futex_wait(held_, 1);
}

void BiasedLock::wake() noexcept {
  futex_wake_all(held_);
  futex_wake_all(*Gate::thread.stripe);
}

}  // namespace LEASH_NAMESPACE::os
