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

/// The deadline of one direction of a connection, and whether it has passed. Thread-safe.
class Deadline {
 public:
  /// `on_passed` is called whenever a deadline has passed, without a lock of this object held. It has to wake the
  /// threads that wait in an operation.
  Deadline(std::shared_ptr<Clock> clock, std::function<void()> on_passed);

  /// Replaces the deadline. If `time` is past already, `passed` is true when this returns.
  void set(std::optional<Clock::time_point> time);

  bool passed() const noexcept { return passed_.load(); }

  /// Called at the beginning of an operation that the deadline may end. If the process is a child that was forked after
  /// `set`, the timer is one of the parent's clock thread: this sets a new one.
  void renew_after_fork() {
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
  std::uint64_t generation_ = 0;  ///< How often `set` was called: tells a timer whether its deadline was replaced.
  std::optional<Clock::time_point> time_;
  std::atomic<std::uint32_t> timer_generation_{os::fork_generation()};  ///< Of the process that set the timer.
  // The last member, so that its destructor, which waits for a running callback, runs before those of the others.
  Registration timer_;
};

}  // namespace LEASH_NAMESPACE::net::detail
