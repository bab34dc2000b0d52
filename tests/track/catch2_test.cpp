#include <doctest/doctest.h>

#include <leash/config.hpp>
#include <string>
#include <string_view>

#include "run_program.hpp"
#include "without_columns.hpp"

namespace {

Outcome run_catch2(const std::string& arguments) { return run_program(std::string(LEAKING_CATCH2) + " " + arguments); }

}  // namespace

TEST_CASE("a Catch2Tracker fails the case that leaked, at its own line, with the report") {
  const Outcome outcome = run_catch2("leaks");
  CAPTURE(outcome.output);
  if constexpr (leash::tracking_enabled) {
    CHECK(outcome.status != 0);
    CHECK(outcome.output.contains("tests/track/leaking_catch2.cpp:21: FAILED:\n"));
    CHECK(leash_test::without_columns(outcome.output)
              .contains("\n  tests/track/leaking_catch2.cpp:22: error: 1 slot not closed [leaked]\n"));
    CHECK(outcome.output.contains("\n  1 finding: 1 slot. 1 handle opened, 0 closed.\n"));
    CHECK_FALSE(outcome.output.contains("Catch::"));
  } else {
    CHECK(outcome.status == 0);
    CHECK(outcome.output.contains("no test was checked"));
  }
}

TEST_CASE("a Catch2Tracker passes the case that closed everything") {
  const Outcome outcome = run_catch2("'*closes'");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
}

TEST_CASE("a Catch2Tracker does not hide the exception that ends the case") {
  const Outcome outcome = run_catch2("'throws and leaks'");
  CAPTURE(outcome.output);
  CHECK(outcome.status != 0);
  CHECK(outcome.output.contains("the test's own exception"));
  CHECK(outcome.output.contains("1 slot not closed [leaked]") == leash::tracking_enabled);
}

TEST_CASE("a Catch2Tracker in a fixture fails the case that leaked alone") {
  const Outcome outcome = run_catch2("'a fixture*'");
  CAPTURE(outcome.output);
  CHECK(outcome.output.contains("test cases: 2 | 1 passed | 1 failed") == leash::tracking_enabled);
}

TEST_CASE("Catch2Trackers in two threads know nothing of each other and may fail at once") {
  const Outcome outcome = run_catch2("'leaks in two threads at once'");
  CAPTURE(outcome.output);
  for (const std::string_view report :
       {"1 finding: 1 slot. 1 handle opened, 0 closed.", "1 finding: 1 box. 1 handle opened, 0 closed."}) {
    CHECK(outcome.output.contains(report) == leash::tracking_enabled);
  }
}

TEST_CASE("a Catch2Tracker throws nothing where Catch2 stops at the first failure") {
  const Outcome outcome = run_catch2("--abort leaks,'throws and leaks'");
  CAPTURE(outcome.output);
  CHECK_FALSE(outcome.output.contains("terminate"));
  CHECK_FALSE(outcome.output.contains("SIGABRT"));
  if constexpr (leash::tracking_enabled) CHECK(outcome.output.contains("test cases: 1 | 1 failed"));
}

TEST_CASE("Catch2 prints a Report as text") {
  const Outcome outcome = run_catch2("'prints a report'");
  CAPTURE(outcome.output);
  if constexpr (leash::tracking_enabled) {
    CHECK(leash_test::without_columns(outcome.output)
              .contains("\n  tests/track/leaking_catch2.cpp:61: error: 1 slot not closed [leaked]\n    kept; "));
    CHECK(outcome.output.contains("1 passed | 1 failed"));
  }
}

TEST_CASE("a place that Catch2 would break is a failure of its own, at that place") {
  const Outcome outcome = run_catch2("'leaks far away'");
  CAPTURE(outcome.output);
  if constexpr (leash::tracking_enabled) {
    CHECK(outcome.output.contains(
        "\na/very/long/way/to/some/folder/of/a/large/repository/with/many/parts/and/layers/far_away.cpp:7: FAILED:\n"));
    CHECK(outcome.output.contains("\n  error: 1 slot not closed [leaked]\n"));
  }
}

TEST_CASE("the cases of one program of Catch2 are judged one by one") {
  const Outcome outcome = run_catch2("");
  CAPTURE(outcome.output);
  CHECK(outcome.output.contains(leash::tracking_enabled ? "test cases:  8 | 2 passed | 6 failed"
                                                        : "test cases: 8 | 7 passed | 1 failed"));
}
