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

  /// Runs the first callback if its time is not after `now`, and says for when it was registered.
  /// `before_run` is called with that time just before.
  std::optional<Clock::time_point> run_one(Clock::time_point now,
                                           const std::function<void(Clock::time_point)>& before_run = {});

  /// Waits until a callback may be due. Meant for the one thread that runs callbacks by the machine's clock.
  void wait();

 private:
  class Hold;

  void remove(Timer& timer) noexcept;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable finished_;
  Timers timers_;
};

}  // namespace LEASH_NAMESPACE::detail
