#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <memory>
#include <mutex>
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

 private:
  void pass(std::uint64_t generation);

  const std::shared_ptr<Clock> clock_;
  const std::function<void()> on_passed_;
  std::atomic<bool> passed_{false};
  std::mutex mutex_;
  std::uint64_t generation_ = 0;
  // Last, so that its callback is over before the rest goes.
  Registration timer_;
};

}  // namespace LEASH_NAMESPACE::net::detail
