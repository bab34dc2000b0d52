#pragma once

#include <functional>
#include <leash/clock.hpp>
#include <leash/os/condition_variable.hpp>
#include <leash/os/mutex.hpp>
#include <leash/os/turn.hpp>
#include <leash/registration.hpp>
#include <map>
#include <memory>
#include <optional>

namespace LEASH_NAMESPACE::detail {

/// The timers of one clock, ordered by time, then by registration. Registrations keep the queue alive, so they may
/// outlive their clock. Thread-safe.
///
/// In a forked child only the callbacks run that the forking thread had registered: one of a lost thread (see
/// os/fork.hpp) may refer to that thread's stack. A callback that was running in a lost thread counts as returned.
class TimerQueue : public std::enable_shared_from_this<TimerQueue> {
 public:
  struct Timer;
  using Timers = std::multimap<Clock::time_point, std::shared_ptr<Timer>>;

  /// Adds a callback for `time`. Throws `std::logic_error` if it is empty.
  Registration add(Clock::time_point time, Function<void()> callback);

  /// As `add`, but if `time` is not after `now`, the callback runs in this call.
  Registration add_or_run(Clock::time_point time, Clock::time_point now, Function<void()> callback);

  /// Runs the first callback, if its time is not after `now`. Returns whether one ran. Just before that it calls
  /// `before_run`, if given, with the time of the callback. A FakeClock, of which several threads may run
  /// callbacks, holds `run_turn` meanwhile.
  bool run_one(Clock::time_point now, const std::function<void(Clock::time_point)>& before_run = {});

  /// Waits until a callback may be due by the machine's steady clock, or until `wake`. Meant for the timer thread of
  /// the real clock.
  void wait();

  /// The turn to run callbacks: see `run_one`.
  os::Turn& run_turn() noexcept { return run_turn_; }

  /// Makes `wait` return in all threads.
  void wake() noexcept;

 private:
  class Hold;

  void run(Timer& timer) noexcept;
  void remove(Timer& timer) noexcept;
  void drop_due_of_lost_threads(Clock::time_point now) noexcept;

  os::Turn run_turn_;
  os::Mutex mutex_;
  os::ConditionVariable changed_;  ///< A timer comes before `waits_until_`, or `wake` was called.
  /// Until when the last call of `wait` waits, or waited: a timer that comes later needs to wake nobody.
  Clock::time_point waits_until_ = Clock::time_point::min();
  os::ConditionVariable callback_returned_;
  Timers timers_;
};

}  // namespace LEASH_NAMESPACE::detail
