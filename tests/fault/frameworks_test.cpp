#include <doctest/doctest.h>

#include <string>

#include "run_program.hpp"

namespace {

void check_output(const Outcome& outcome, const std::string& where) {
  CAPTURE(outcome.output);
  CHECK(outcome.status != 0);
  CHECK(outcome.output.contains(where));
  CHECK(outcome.output.contains("tests/fault/sweeping.hpp:13: error: 1 of 1 failing operation makes the body throw"));
  CHECK(outcome.output.contains("LEASH_REPLAY=open/bad_body/"));
  CHECK(outcome.output.contains("sweep: 1 point, "));
}

}  // namespace

TEST_CASE("LEASH_SWEEP fails the case of doctest that it stands in, and no other") {
  const Outcome outcome = run_program(SWEEPING_CASES);
  check_output(outcome, "tests/fault/sweeping_cases.cpp:6: ERROR: ");
  CHECK(outcome.output.contains("test cases: 2 | 1 passed | 1 failed"));
}

#ifdef SWEEPING_GTEST
TEST_CASE("LEASH_SWEEP fails the test of GoogleTest that it stands in, and no other") {
  const Outcome outcome = run_program(SWEEPING_GTEST);
  check_output(outcome, "tests/fault/sweeping_gtest.cpp:6: Failure\n");
  CHECK(outcome.output.contains("[       OK ] Sweep.Good"));
}
#endif

#ifdef SWEEPING_CATCH2
TEST_CASE("LEASH_SWEEP fails the case of Catch2 that it stands in, and no other") {
  const Outcome outcome = run_program(SWEEPING_CATCH2);
  CAPTURE(outcome.output);
  CHECK(outcome.status != 0);
  CHECK(outcome.output.contains("tests/fault/sweeping_catch2.cpp:6: FAILED:"));
  CHECK(outcome.output.contains("LEASH_REPLAY=open/bad_body/"));
  CHECK(outcome.output.contains("1 passed | 1 failed"));
}
#endif
