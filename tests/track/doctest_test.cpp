#include <doctest/doctest.h>

#include <leash/config.hpp>
#include <string>

#include "run_program.hpp"
#include "without_columns.hpp"

namespace {

Outcome run_case(const std::string& name) {
  return run_program(std::string(LEAKING_CASES) + " --test-case='" + name + "'");
}

}  // namespace

TEST_CASE("a DoctestTracker fails the case that leaked, at its own line, with the report") {
  const Outcome outcome = run_case("leaks");
  CAPTURE(outcome.output);
  if constexpr (leash::tracking_enabled) {
    CHECK(outcome.status != 0);
    CHECK(outcome.output.contains("tests/track/leaking_cases.cpp:21: ERROR"));
    CHECK(leash_test::without_columns(outcome.output)
              .contains("tests/track/leaking_cases.cpp:22: error: 1 slot not closed [leaked]"));
    CHECK(outcome.output.contains("1 finding: 1 slot. 1 handle opened, 0 closed."));
  } else {
    CHECK(outcome.status == 0);
    CHECK(outcome.output.contains("no test was checked"));
  }
}

TEST_CASE("a DoctestTracker passes the case that closed everything") {
  const Outcome outcome = run_case("closes*");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(outcome.output.contains("2 passed"));
}

TEST_CASE("a DoctestTracker does not hide the exception that ends the case") {
  const Outcome outcome = run_case("throws and leaks");
  CAPTURE(outcome.output);
  CHECK(outcome.status != 0);
  CHECK(outcome.output.contains("the test's own exception"));
  CHECK(outcome.output.contains("1 slot not closed [leaked]") == leash::tracking_enabled);
}

TEST_CASE("the cases of one program are judged one by one") {
  const Outcome outcome = run_program(LEAKING_CASES);
  CAPTURE(outcome.output);
  CHECK(outcome.output.contains(leash::tracking_enabled ? "2 passed | 2 failed" : "3 passed | 1 failed"));
}
