#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/futex.hpp>
#include <leash/os/mutex.hpp>
#include <mutex>

namespace LEASH_NAMESPACE::os {

/// As std::condition_variable, for an `os::Mutex`; the thread that waits may have no other one. Who notifies has, or
/// had since it changed what is waited for, the mutex. Works on in a forked child. Deadlines are those of the machine's
/// steady clock.
class ConditionVariable {
 public:
  constexpr ConditionVariable() noexcept = default;
  ConditionVariable(const ConditionVariable&) = delete;
  ConditionVariable& operator=(const ConditionVariable&) = delete;

  void wait(std::unique_lock<Mutex>& lock) {
    sleep(lock, [this](std::uint32_t seen) { futex_wait(sequence_, seen); });
  }

  template <class Ready>
  void wait(std::unique_lock<Mutex>& lock, Ready ready) {
    while (!ready()) wait(lock);
  }

  void wait_until(std::unique_lock<Mutex>& lock, std::chrono::steady_clock::time_point deadline) {
    sleep(lock, [&](std::uint32_t seen) { futex_wait_until(sequence_, seen, deadline); });
  }

  void notify_all() noexcept {
    if (waiting_.load() == 0) return;
    sequence_.fetch_add(1);
    futex_wake_all(sequence_);
  }

 private:
  template <class Futex>
  void sleep(std::unique_lock<Mutex>& lock, Futex futex) {
    // Under the mutex: who has it after this thread sees that there is someone to notify.
    waiting_.fetch_add(1);
    const std::uint32_t seen = sequence_.load();
    lock.unlock();
    futex(seen);
    waiting_.fetch_sub(1);
    lock.lock();
  }

  std::atomic<std::uint32_t> sequence_{0};
  /// As in EventCount.
  std::atomic<std::uint32_t> waiting_{0};
};

}  // namespace LEASH_NAMESPACE::os
