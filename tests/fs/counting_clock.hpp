#pragma once

#include <atomic>
#include <chrono>
#include <leash/clock.hpp>
#include <leash/context.hpp>
#include <memory>

/// Counts how often it is asked, and stands still until then: a Context with a deadline asks it once each time that it
/// is asked itself.
class CountingClock final : public leash::Clock {
 public:
  /// A Context that expires when it has been asked `times` times.
  static leash::Context expiring_after(int times, const std::shared_ptr<CountingClock>& clock) {
    clock->left_ = times;
    return leash::Context().with_clock(clock).with_timeout(std::chrono::hours(1));
  }

  int asked() const { return asked_; }

 private:
  time_point do_now() const override { return {}; }
  time_point do_coarse_now() const override { return ++asked_ > left_ ? time_point::max() : time_point(); }
  system_time_point do_system_now() const override { return {}; }
  leash::Registration do_at(time_point, leash::Function<void()>) override { return {}; }

  std::atomic<int> left_{0};
  mutable std::atomic<int> asked_{0};
};
