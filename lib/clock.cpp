#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <leash/clock.hpp>
#include <leash/detail/timer_queue.hpp>
#include <leash/os/background_thread.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/lazy.hpp>
#include <leash/os/mutex.hpp>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace LEASH_NAMESPACE {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// How long a fake clock can go on: two centuries, so that its time of day does not overflow.
constexpr Clock::duration longest = std::chrono::hours(24 * 365 * 200);

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

  Registration do_at(time_point time, Function<void()> callback) override {
    start();
    return timers_->add(time, std::move(callback));
  }

  void start() {
    const std::lock_guard lock(starting_);
    const std::uint64_t wanted = os::fork_generation() + std::uint64_t{1};
    if (thread_.load() == wanted) return;
    os::start_background_thread([this, wanted] { run(wanted); });
    // A callback may have forked, and is running yet: its thread is to end behind it.
    thread_.store(wanted);
    timers_->wake();
  }

  void run(std::uint64_t thread) {
    // Also before `start` has said so.
    while (thread_.load() <= thread) {
      timers_->wait();
      while (thread_.load() <= thread && timers_->run_one(steady_clock::now())) {
      }
    }
  }

  const std::shared_ptr<detail::TimerQueue> timers_ = std::make_shared<detail::TimerQueue>();
  os::Mutex starting_;
  std::atomic<std::uint64_t> thread_{0};  ///< The generation of processes that the timer thread is of, plus 1.
};

}  // namespace

Clock::~Clock() = default;

const SharedClock& Clock::real() {
  // Handles in static variables and the timer thread may still use it while the program ends.
  static constinit os::Lazy<SharedClock> clock;
  return clock.get([] { return new SharedClock(std::make_shared<RealClock>()); });
}

FakeClock::FakeClock() : timers_(std::make_shared<detail::TimerQueue>()) {}
FakeClock::~FakeClock() = default;

void FakeClock::advance(duration by) {
  if (by < duration::zero()) throw std::logic_error("leash: FakeClock::advance: a clock does not go back");
  const auto move_to = [this](time_point time) {
    if (time.time_since_epoch() > elapsed_.load()) elapsed_.store(time.time_since_epoch());
  };
  os::Turn& running = timers_->running();
  // Not a second time, in a callback that advances.
  std::unique_lock turn(running, std::defer_lock);
  if (!running.held()) turn.lock();
  const time_point start = now();
  const time_point target = by > longest - start.time_since_epoch() ? time_point(longest) : start + by;
  const auto run_due = [&] {
    while (timers_->run_one(target, move_to)) {
    }
  };
  run_due();
  move_to(target);
  // What was registered meanwhile, for a time that was still to come and now has.
  run_due();
}

Clock::time_point FakeClock::do_now() const { return time_point(elapsed_.load()); }
Clock::time_point FakeClock::do_coarse_now() const { return do_now(); }

Clock::system_time_point FakeClock::do_system_now() const {
  using namespace std::chrono_literals;
  return std::chrono::sys_days(std::chrono::year(2000) / 1 / 1) + elapsed_.load();
}

Registration FakeClock::do_at(time_point time, Function<void()> callback) {
  return timers_->add_or_run(time, now(), std::move(callback));
}

}  // namespace LEASH_NAMESPACE
