#pragma once

#include <condition_variable>
#include <functional>
#include <leash/clock.hpp>
#include <leash/registration.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace LEASH_NAMESPACE::detail {

/// The callbacks of one clock, by time. Registrations keep it alive, so they may outlive their clock. Thread-safe.
class TimerQueue : public std::enable_shared_from_this<TimerQueue> {
 public:
  struct Timer;
  using Timers = std::multimap<Clock::time_point, std::shared_ptr<Timer>>;

  Registration add(Clock::time_point time, std::move_only_function<void()> callback);

  /// The same, but a callback whose time is not after `now` runs in this call.
  Registration add_or_run(Clock::time_point time, Clock::time_point now, std::move_only_function<void()> callback);

  /// Runs the first callback if its time is not after `now`, and says whether it did. `before_run` is called with the
  /// time that it was registered for just before.
  bool run_one(Clock::time_point now, const std::function<void(Clock::time_point)>& before_run = {});

  /// Waits until a callback may be due. Meant for the one thread that runs callbacks by the machine's clock.
  void wait();

  /// Hold it over a fork, so that the child finds the queue as a whole.
  std::mutex& mutex() noexcept { return mutex_; }

 private:
  class Hold;

  void run(Timer& timer) noexcept;
  void remove(Timer& timer) noexcept;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable finished_;
  Timers timers_;
};

}  // namespace LEASH_NAMESPACE::detail
