#pragma once

#include <concepts>
#include <leash/config.hpp>
#include <leash/detail/chrono.hpp>
#include <leash/detail/pimpl.hpp>
#include <leash/function.hpp>
#include <leash/registration.hpp>
#include <memory>
#include <utility>

namespace LEASH_NAMESPACE {

class SharedClock;

/// The source of time of everything in leash: deadlines, latencies, ages and file times. A `Context` carries one, so
/// that with a `FakeClock` a test of a timeout of thirty seconds takes microseconds. All members may be called from any
/// thread.
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

  /// As `now`, but several times cheaper, and up to some milliseconds behind it.
  time_point coarse_now() const { return do_coarse_now(); }

  /// The time of day, as file systems store it.
  system_time_point system_now() const { return do_system_now(); }

  /// Calls `callback` once when `now()` has reached `time`. If it has already, the callback runs at once, perhaps in
  /// another thread. Callbacks that become due later run one at a time, ordered by time, then by registration. While
  /// one runs, the clock holds no lock that this function takes: a callback may call it. Callbacks should be brief. One
  /// that throws ends the program.
  ///
  /// Throws `std::logic_error` if `callback` is empty, and `std::system_error` if the machine's clock cannot start its
  /// timer thread.
  Registration at(time_point time, Function<void()> callback) { return do_at(time, std::move(callback)); }

  /// The machine's clock. Its callbacks run in one timer thread, which is started at the first call of `at` and never
  /// ends. In a forked child the first call of `at` starts a timer thread of its own; of the callbacks that were
  /// registered before the fork, it runs those that the forking thread had registered.
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

/// A clock that stands still until `advance` moves it. Its time of day starts at 2000-01-01 00:00:00 UTC. If a callback
/// is already due when it is registered, `at` runs it before it returns.
class FakeClock final : public Clock {
 public:
  FakeClock();
  ~FakeClock() override;

  /// Moves the time on by `by`, and runs the callbacks that become due, in this thread. In each, `now()` is the time
  /// that it was registered for. The clock stops at 200 years in all. Throws `std::logic_error` if `by` is negative.
  ///
  /// If several threads call it, they take turns. A callback may call it: that moves the time at once, and the outer
  /// call goes on from there to the time that it was asked for, if that is still to come.
  void advance(duration by);

 private:
  time_point do_now() const override;
  time_point do_coarse_now() const override;
  system_time_point do_system_now() const override;
  Registration do_at(time_point time, Function<void()> callback) override;

  struct State;
  detail::Pimpl<State> state_;
};

}  // namespace LEASH_NAMESPACE
