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

/// The most that a fake clock can be advanced in all, 200 years, so that its time of day does not overflow.
constexpr Clock::duration most_elapsed = std::chrono::hours(24 * 365 * 200);

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

  /// Starts the timer thread, unless this process has one.
  void start() {
    const std::lock_guard lock(start_mutex_);
    const std::uint64_t wanted = os::fork_generation() + std::uint64_t{1};
    if (thread_generation_.load() == wanted) return;
    os::start_background_thread([this, wanted] { run(wanted); });
    // This process may have a timer thread of an older generation: one of the parent that forked in a callback, and so
    // is the only thread of the child. It ends when that callback returns, or when `wake` ends its wait.
    thread_generation_.store(wanted);
    timers_->wake();
  }

  /// The work of the timer thread of one generation, until a later one has a timer thread.
  void run(std::uint64_t generation) {
    // Less while `start`, which may run after this, has not stored this generation.
    while (thread_generation_.load() <= generation) {
      timers_->wait();
      while (thread_generation_.load() <= generation && timers_->run_one(steady_clock::now())) {
      }
    }
  }

  const std::shared_ptr<detail::TimerQueue> timers_ = std::make_shared<detail::TimerQueue>();
  os::Mutex start_mutex_;
  /// The `fork_generation` in which the newest timer thread was started, plus 1; 0 before the first.
  std::atomic<std::uint64_t> thread_generation_{0};
};

}  // namespace

Clock::~Clock() = default;

const SharedClock& Clock::real() {
  // Never destroyed: handles in static variables and the timer thread may use it until the program has ended.
  static constinit os::Lazy<SharedClock> clock;
  return clock.get([] { return new SharedClock(std::make_shared<RealClock>()); });
}

struct FakeClock::State {
  const std::shared_ptr<detail::TimerQueue> timers = std::make_shared<detail::TimerQueue>();
  std::atomic<duration> elapsed{duration::zero()};  ///< How far it was advanced.
};

FakeClock::FakeClock() = default;
FakeClock::~FakeClock() = default;

void FakeClock::advance(duration by) {
  if (by < duration::zero()) throw std::logic_error("leash: FakeClock::advance: a clock does not go back");
  const auto move_to = [&elapsed = state_->elapsed](time_point time) {
    if (time.time_since_epoch() > elapsed.load()) elapsed.store(time.time_since_epoch());
  };
  os::Turn& run_turn = state_->timers->run_turn();
  // A callback that calls `advance` has the turn already.
  std::unique_lock lock(run_turn, std::defer_lock);
  if (!run_turn.held()) lock.lock();
  const time_point start = now();
  const time_point target = by > most_elapsed - start.time_since_epoch() ? time_point(most_elapsed) : start + by;
  const auto run_due = [&] {
    while (state_->timers->run_one(target, move_to)) {
    }
  };
  run_due();
  move_to(target);
  // Again, for callbacks that other threads registered between the last `run_one` and `move_to`: they were not due
  // then.
  run_due();
}

Clock::time_point FakeClock::do_now() const { return time_point(state_->elapsed.load()); }
Clock::time_point FakeClock::do_coarse_now() const { return do_now(); }

Clock::system_time_point FakeClock::do_system_now() const {
  using namespace std::chrono_literals;
  return std::chrono::sys_days(std::chrono::year(2000) / 1 / 1) + state_->elapsed.load();
}

Registration FakeClock::do_at(time_point time, Function<void()> callback) {
  return state_->timers->add_or_run(time, now(), std::move(callback));
}

}  // namespace LEASH_NAMESPACE
