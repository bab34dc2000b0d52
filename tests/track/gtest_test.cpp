#include <doctest/doctest.h>

#include <leash/config.hpp>
#include <string>
#include <string_view>

#include "run_program.hpp"
#include "without_columns.hpp"

namespace {

Outcome run_gtest(const std::string& filter, const std::string& options = "") {
  return run_program(std::string(LEAKING_GTEST) + " --gtest_filter='" + filter + "' " + options);
}

}  // namespace

TEST_CASE("a GtestTracker fails the test that leaked, at its own line, with the report") {
  const Outcome outcome = run_gtest("Tracked.Leaks");
  CAPTURE(outcome.output);
  if constexpr (leash::tracking_enabled) {
    CHECK(outcome.status != 0);
    CHECK(outcome.output.contains("tests/track/leaking_gtest.cpp:23: Failure\n"));
    CHECK(leash_test::without_columns(outcome.output)
              .contains("\ntests/track/leaking_gtest.cpp:24: error: 1 slot not closed [leaked]\n"));
    CHECK(outcome.output.contains("\n\n1 finding: 1 slot. 1 handle opened, 0 closed.\n"));
    CHECK_FALSE(outcome.output.contains("testing::"));
  } else {
    CHECK(outcome.status == 0);
    CHECK(outcome.output.contains("no test was checked"));
  }
}

TEST_CASE("a GtestTracker passes the test that closed everything") {
  const Outcome outcome = run_gtest("*.Closes");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(outcome.output.contains("[  PASSED  ] 2 tests."));
}

TEST_CASE("a GtestTracker does not hide the exception that ends the test") {
  const Outcome outcome = run_gtest("Tracked.ThrowsAndLeaks");
  CAPTURE(outcome.output);
  CHECK(outcome.status != 0);
  CHECK(outcome.output.contains("the test's own exception"));
  CHECK(outcome.output.contains("1 slot not closed [leaked]") == leash::tracking_enabled);
}

TEST_CASE("a GtestTracker in a fixture fails the test that leaked alone") {
  const Outcome outcome = run_gtest("Fixture.*");
  CAPTURE(outcome.output);
  CHECK(outcome.output.contains("[       OK ] Fixture.Closes"));
  CHECK(outcome.output.contains("[  FAILED  ] Fixture.Leaks") == leash::tracking_enabled);
}

TEST_CASE("GtestTrackers in two threads know nothing of each other and may fail at once") {
  const Outcome outcome = run_gtest("Tracked.LeaksInTwoThreads");
  CAPTURE(outcome.output);
  for (const std::string_view report :
       {"1 finding: 1 slot. 1 handle opened, 0 closed.", "1 finding: 1 box. 1 handle opened, 0 closed."}) {
    CHECK(outcome.output.contains(report) == leash::tracking_enabled);
  }
}

TEST_CASE("a GtestTracker throws nothing where GoogleTest throws at every failure") {
  const Outcome outcome = run_gtest("*.Leaks", "--gtest_throw_on_failure");
  CAPTURE(outcome.output);
  CHECK(outcome.status != -1);
  CHECK(outcome.output.contains("2 FAILED TESTS") == leash::tracking_enabled);
}

TEST_CASE("GoogleTest prints a Report as text") {
  const Outcome outcome = run_gtest("Tracked.PrintsReport");
  CAPTURE(outcome.output);
  if constexpr (leash::tracking_enabled) {
    CHECK(leash_test::without_columns(outcome.output)
              .contains("\ntests/track/leaking_gtest.cpp:59: error: 1 slot not closed [leaked]\n  kept; "));
  }
}

TEST_CASE("the tests of one program of GoogleTest are judged one by one") {
  const Outcome outcome = run_gtest("*");
  CAPTURE(outcome.output);
  CHECK(outcome.output.contains(leash::tracking_enabled ? "[  PASSED  ] 2 tests." : "[  PASSED  ] 6 tests."));
}
