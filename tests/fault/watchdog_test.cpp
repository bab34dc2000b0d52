#include <doctest/doctest.h>

#include <chrono>
#include <leash/fault/plan.hpp>
#include <leash/fault/sweep.hpp>
#include <thread>

#include "sanitizers.hpp"
#include "track/child.hpp"

using leash::Context;
using namespace std::chrono_literals;

TEST_CASE("a run that heeds nothing ends the process, which prints its token" * doctest::skip(leash_test::with_tsan)) {
  const Outcome outcome = in_child([] {
    const auto body = [](const Context& context) {
      while (!leash::fault::check(context, "open", "a")) std::this_thread::sleep_for(1ms);
      if (leash::fault::check(context, "close", "a")) return;
      for (;;) std::this_thread::sleep_for(1ms);
    };
    leash::fault::SweepOptions options{.deadline = 10ms, .watchdog = 50ms};
    options.faults.set("close", {{}});
    static_cast<void>(leash::fault::sweep(body, options));
    return 0;
  });
  CAPTURE(outcome.output);
  CHECK(outcome.status == 1);
  CHECK(
      outcome.output.contains("leash: a run of the sweep has not ended after 50ms: run it alone with "
                              "LEASH_REPLAY=close/"));
}
