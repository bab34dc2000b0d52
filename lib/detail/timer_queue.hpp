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

/// The callbacks of one clock, by time. Registrations keep it alive, so they may outlive their clock. Thread-safe.
///
/// In a forked child only those run that the thread which forked had registered: one of a thread that is lost may refer
/// to what was on its stack. A callback that was running in such a thread counts as over.
class TimerQueue : public std::enable_shared_from_this<TimerQueue> {
 public:
  struct Timer;
  using Timers = std::multimap<Clock::time_point, std::shared_ptr<Timer>>;

  Registration add(Clock::time_point time, Function<void()> callback);

  /// The same, but a callback whose time is not after `now` runs in this call.
  Registration add_or_run(Clock::time_point time, Clock::time_point now, Function<void()> callback);

  /// Runs the first callback if its time is not after `now`, and says whether it did. `before_run` is called with the
  /// time that it was registered for just before.
  bool run_one(Clock::time_point now, const std::function<void(Clock::time_point)>& before_run = {});

  /// Waits until a callback may be due. Meant for the one thread that runs callbacks by the machine's clock.
  void wait();

  /// Whose turn it is to run callbacks, where several threads may.
  os::Turn& running() noexcept { return running_; }

  /// Makes `wait` return.
  void wake() noexcept;

 private:
  class Hold;

  void run(Timer& timer) noexcept;
  void remove(Timer& timer) noexcept;
  void drop_lost(Clock::time_point now) noexcept;

  os::Turn running_;
  os::Mutex mutex_;
  os::ConditionVariable changed_;
  os::ConditionVariable finished_;
  Timers timers_;
};

}  // namespace LEASH_NAMESPACE::detail
