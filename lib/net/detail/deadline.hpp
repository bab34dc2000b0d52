#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/mutex.hpp>
#include <memory>
#include <optional>

namespace LEASH_NAMESPACE::net::detail {

/// Until when the operations of one direction of a connection may wait.
class Deadline {
 public:
  /// `on_passed` is called, outside of every lock of this object, whenever a deadline has passed: it wakes those who
  /// wait.
  Deadline(std::shared_ptr<Clock> clock, std::function<void()> on_passed);

  /// Replaces the deadline; one that is past already has passed when this returns.
  void set(std::optional<Clock::time_point> time);

  bool passed() const noexcept { return passed_.load(); }

  /// Before a wait that the deadline is to end. In a forked child the clock may not know of it yet: it had been told in
  /// the parent.
  void revive() {
    if (timer_generation_.load() != os::fork_generation()) [[unlikely]]
      set_timer_again();
  }

 private:
  void set_timer_again();
  void pass(std::uint64_t generation);

  const std::shared_ptr<Clock> clock_;
  const std::function<void()> on_passed_;
  std::atomic<bool> passed_{false};
  os::Mutex mutex_;
  std::uint64_t generation_ = 0;
  std::optional<Clock::time_point> time_;
  std::atomic<std::uint32_t> timer_generation_{os::fork_generation()};  ///< Of the process that set the timer.
  // Last, so that its callback is over before the rest goes.
  Registration timer_;
};

}  // namespace LEASH_NAMESPACE::net::detail
