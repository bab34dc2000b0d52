#pragma once

#include <chrono>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/event_count.hpp>
#include <leash/os/mutex.hpp>
#include <mutex>

namespace LEASH_NAMESPACE::os {

/// As std::condition_variable, for an `os::Mutex`; the waiting thread may have no other one. Works on in a forked
/// child. Deadlines are those of the machine's steady clock.
class ConditionVariable {
 public:
  constexpr ConditionVariable() noexcept = default;

  void wait(std::unique_lock<Mutex>& lock) {
    const std::uint32_t seen = events_.current();
    lock.unlock();
    events_.wait(seen);
    lock.lock();
  }

  template <class Ready>
  void wait(std::unique_lock<Mutex>& lock, Ready ready) {
    while (!ready()) wait(lock);
  }

  void wait_until(std::unique_lock<Mutex>& lock, std::chrono::steady_clock::time_point deadline) {
    const std::uint32_t seen = events_.current();
    lock.unlock();
    events_.wait_until(seen, deadline);
    lock.lock();
  }

  void notify_one() noexcept { events_.notify_one(); }
  void notify_all() noexcept { events_.notify_all(); }

 private:
  EventCount events_;
};

}  // namespace LEASH_NAMESPACE::os
