#include <doctest/doctest.h>

#include <atomic>
#include <leash/context.hpp>
#include <leash/detail/deadline_after.hpp>
#include <leash/sleep.hpp>
#include <memory>
#include <thread>

#include "counting_clock.hpp"

using leash::Clock;
using leash::Context;
using leash::Error;
using leash::FakeClock;
using leash::Result;
using leash::sleep_for;
using leash::sleep_until;
using leash::detail::deadline_after;
using leash_test::CountingClock;
using namespace std::chrono_literals;

TEST_CASE("a sleeper wakes when its Context's clock has got there, and not before") {
  const auto clock = std::make_shared<CountingClock>();
  const Context context = Context::background().with_clock(clock);
  std::atomic<bool> awake = false;
  Result<void> slept = {};
  std::thread sleeper([&] {
    slept = sleep_for(context, 30s);
    awake = true;
  });
  clock->wait_for(1);
  clock->advance(30s - 1ns);
  CHECK_FALSE(awake);
  clock->advance(1ns);
  sleeper.join();
  CHECK(slept.has_value());
}

TEST_CASE("a sleep ends with its Context, and fails with its error") {
  const auto clock = std::make_shared<CountingClock>();
  const auto [context, source] = Context::background().with_clock(clock).with_cancel();
  Result<void> slept = {};
  std::thread sleeper([&] { slept = sleep_for(context, Clock::duration::max()); });
  clock->wait_for(1);
  source.cancel(Error("shut down", "service", std::errc::operation_canceled));
  sleeper.join();
  REQUIRE_FALSE(slept.has_value());
  CHECK(slept.error() == std::errc::operation_canceled);
  CHECK(to_string(slept.error()).starts_with("sleep: "));
  REQUIRE(slept.error().causes().size() == 1);
  CHECK(slept.error().causes().front().subject() == "service");
  CHECK(sleep_for(context, 0s).error() == std::errc::operation_canceled);
}

TEST_CASE("a sleep that is longer than its Context's deadline times out") {
  const auto clock = std::make_shared<CountingClock>();
  const Context context = Context::background().with_clock(clock).with_timeout(10s);
  for (const Clock::duration duration : {10s, 20s}) {
    const Context again = context;
    Result<void> slept = {};
    std::thread sleeper([&] { slept = sleep_for(again, duration); });
    if (duration == 10s) {
      clock->wait_for(2);
      clock->advance(10s);
    }
    sleeper.join();
    REQUIRE_FALSE(slept.has_value());
    CHECK(slept.error() == std::errc::timed_out);
  }
}

TEST_CASE("zero, a negative duration and a time in the past are no wait") {
  const Context context = Context::background().with_clock(std::make_shared<FakeClock>());
  for (const Clock::duration duration : {Clock::duration::zero(), Clock::duration(-1), Clock::duration::min()}) {
    CHECK(sleep_for(context, duration).has_value());
  }
  CHECK(sleep_until(context, Clock::time_point::min()).has_value());
  CHECK(sleep_for(Context::background(), 1ms).has_value());
}

TEST_CASE("a time and a duration never make an earlier time than either") {
  constexpr auto first = Clock::time_point::min();
  constexpr auto last = Clock::time_point::max();
  const Clock::time_point now{5s};
  CHECK(deadline_after(now, 1s) == Clock::time_point(6s));
  CHECK(deadline_after(now, -6s) == Clock::time_point(-1s));
  CHECK(deadline_after(now, Clock::duration::max()) == last);
  CHECK(deadline_after(last, Clock::duration::max()) == last);
  CHECK(deadline_after(last, 0s) == last);
  CHECK(deadline_after(Clock::time_point(-1s), Clock::duration::max()) == last - 1s);
  CHECK(deadline_after(Clock::time_point(-2s), Clock::duration::min()) == first);
  CHECK(deadline_after(now, Clock::duration::min()) == first + 5s);
  CHECK(deadline_after(first, -1ns) == first);
}
