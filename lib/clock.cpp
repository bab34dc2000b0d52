#include <ctime>
#include <leash/clock.hpp>
#include <leash/detail/timer_queue.hpp>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace LEASH_NAMESPACE {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

class RealClock final : public Clock {
 private:
  time_point do_now() const override { return steady_clock::now(); }

  time_point do_coarse_now() const override {
#if defined(CLOCK_MONOTONIC_COARSE)
    std::timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return time_point(seconds(time.tv_sec) + nanoseconds(time.tv_nsec));
#else
    return do_now();
#endif
  }

  system_time_point do_system_now() const override { return std::chrono::system_clock::now(); }

  Registration do_at(time_point time, std::move_only_function<void()> callback) override {
    std::call_once(started_, [this] {
      std::thread([timers = timers_] {
        for (;;) {
          timers->wait();
          while (timers->run_one(steady_clock::now())) {
          }
        }
      }).detach();
    });
    return timers_->add(time, std::move(callback));
  }

  std::shared_ptr<detail::TimerQueue> timers_ = std::make_shared<detail::TimerQueue>();
  std::once_flag started_;
};

}  // namespace

Clock::~Clock() = default;

const std::shared_ptr<Clock>& Clock::real() {
  // Never destroyed: handles in static variables and the timer thread may still use it while the program ends.
  static const auto* const clock = new std::shared_ptr<Clock>(std::make_shared<RealClock>());
  return *clock;
}

FakeClock::FakeClock() : timers_(std::make_shared<detail::TimerQueue>()) {}
FakeClock::~FakeClock() = default;

void FakeClock::advance(duration by) {
  if (by < duration::zero()) throw std::logic_error("leash: FakeClock::advance: a clock does not go back");
  const auto move_to = [this](time_point time) {
    const duration target = time.time_since_epoch();
    duration seen = elapsed_.load();
    while (seen < target && !elapsed_.compare_exchange_weak(seen, target)) {
    }
  };
  const time_point target = now() + by;
  while (timers_->run_one(target, move_to)) {
  }
  move_to(target);
}

Clock::time_point FakeClock::do_now() const { return time_point(elapsed_.load()); }
Clock::time_point FakeClock::do_coarse_now() const { return do_now(); }

Clock::system_time_point FakeClock::do_system_now() const {
  using namespace std::chrono_literals;
  return std::chrono::sys_days(std::chrono::year(2000) / 1 / 1) + elapsed_.load();
}

Registration FakeClock::do_at(time_point time, std::move_only_function<void()> callback) {
  Registration registration = timers_->add(time, std::move(callback));
  advance(duration::zero());
  return registration;
}

}  // namespace LEASH_NAMESPACE
