#pragma once

#include <atomic>
#include <leash/clock.hpp>
#include <leash/function.hpp>
#include <utility>

namespace leash_test {

/// A clock that stands still, as `FakeClock` does, and tells what is registered with it: so a test knows that another
/// thread has begun to wait.
class CountingClock final : public leash::Clock {
 public:
  /// Waits until so many callbacks were registered in all.
  void wait_for(int registrations) const {
    for (int count = count_; count < registrations; count = count_) count_.wait(count);
  }

  /// The time that the last one was registered for.
  time_point last_time() const { return last_time_; }

  void advance(duration by) { inner_.advance(by); }

 private:
  time_point do_now() const override { return inner_.now(); }
  time_point do_coarse_now() const override { return inner_.coarse_now(); }
  system_time_point do_system_now() const override { return inner_.system_now(); }
  leash::Registration do_at(time_point time, leash::Function<void()> callback) override {
    last_time_ = time;
    leash::Registration registration = inner_.at(time, std::move(callback));
    ++count_;
    count_.notify_all();
    return registration;
  }

  leash::FakeClock inner_;
  std::atomic<time_point> last_time_{time_point()};
  std::atomic<int> count_{0};
};

}  // namespace leash_test
