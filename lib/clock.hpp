#pragma once

#include <atomic>
#include <concepts>
#include <leash/config.hpp>
#include <leash/detail/chrono.hpp>
#include <leash/function.hpp>
#include <leash/registration.hpp>
#include <memory>
#include <utility>

namespace LEASH_NAMESPACE {

class SharedClock;

namespace detail {
class TimerQueue;
}

/// Where leash takes the time from: every deadline, latency, age and file time. A `Context` carries one, so that a test
/// of a timeout of thirty seconds takes microseconds. All members may be called from any thread.
class Clock {
 public:
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::steady_clock::time_point;
  using system_time_point = std::chrono::sys_time<std::chrono::nanoseconds>;

  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock();

  /// The time since some fixed moment; never goes back.
  time_point now() const { return do_now(); }

  /// As `now`, but up to some milliseconds behind it and several times cheaper to ask.
  time_point coarse_now() const { return do_coarse_now(); }

  /// The time of day, as file systems store it.
  system_time_point system_now() const { return do_system_now(); }

  /// Calls `callback` once when `now()` has reached `time`; at once, though perhaps in another thread, when it has
  /// already. Those that become due later run one at a time, in order of time and then of registration, outside of
  /// every lock that registering takes; they should be brief, must not throw (that ends the program), and not be empty
  /// (`std::logic_error`). Throws `std::system_error` if the machine's clock needs its thread and there is none to be
  /// had.
  Registration at(time_point time, Function<void()> callback) { return do_at(time, std::move(callback)); }

  /// The machine's clock. Its callbacks run in one timer thread, started when first needed and never ended. A forked
  /// child has one of its own, from the first call of `at` there on; of the callbacks that were registered before, it
  /// runs those of the thread that forked.
  static const SharedClock& real();

 protected:
  Clock() = default;

  virtual time_point do_now() const = 0;
  virtual time_point do_coarse_now() const = 0;
  virtual system_time_point do_system_now() const = 0;
  virtual Registration do_at(time_point time, Function<void()> callback) = 0;
};

/// A share in a Clock: a `std::shared_ptr`, made of one like it and used as one. It has a name of its own for the
/// headers that only pass it on, which so do without `<memory>`.
class SharedClock : public std::shared_ptr<Clock> {
 public:
  template <std::convertible_to<std::shared_ptr<Clock>> Share>
  // NOLINTNEXTLINE(google-explicit-constructor): whoever takes one takes a std::shared_ptr
  SharedClock(Share share) noexcept : std::shared_ptr<Clock>(std::move(share)) {}
};

/// A clock that stands still until it is told to go on. Its time of day starts at 2000-01-01 00:00:00 UTC. `at` runs a
/// callback that is due already before it returns.
class FakeClock final : public Clock {
 public:
  FakeClock();
  ~FakeClock() override;

  /// Moves the time on by `by` (not negative: `std::logic_error`; at most 200 years in all), and runs the callbacks
  /// that fall due, in this thread, each at its own time: in it, `now()` is the time it was registered for. Several
  /// threads may advance: one after the other. In a callback it moves the time at once, within what is being advanced.
  void advance(duration by);

 private:
  time_point do_now() const override;
  time_point do_coarse_now() const override;
  system_time_point do_system_now() const override;
  Registration do_at(time_point time, Function<void()> callback) override;

  std::shared_ptr<detail::TimerQueue> timers_;
  std::atomic<duration> elapsed_{duration::zero()};
};

}  // namespace LEASH_NAMESPACE
