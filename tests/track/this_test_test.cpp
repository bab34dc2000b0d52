#include <doctest/doctest.h>

#include <leash/track/this_test.hpp>
#include <string>

#include "run_program.hpp"

// LEASH_TRACK_EVERY_TEST.

namespace {

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++count;
  return count;
}

/// What was opened in which test, by the line of the program that calls.
void check_reports(const Outcome& outcome, std::size_t leaks) {
  CAPTURE(outcome.output);
  CHECK(outcome.status != 0);
  CHECK(count_of(outcome.output, "error: 1 file not closed [leaked]") == leaks);
  CHECK(count_of(outcome.output, "1 finding: 1 file. 1 handle opened, 0 closed.") == leaks);
}

}  // namespace

TEST_CASE("every test of doctest has a tracker, and exactly those that leak fail" *
          doctest::skip(!leash::tracking_enabled)) {
  const Outcome outcome = run_program(EVERY_CASES);
  check_reports(outcome, 4);
  CHECK(outcome.output.contains("test cases: 7 | 3 passed | 4 failed"));
  for (const char* const leaky : {"leaks", "leaks in a thread", "leaks in a subcase", "leaks and throws"}) {
    CHECK(outcome.output.contains(std::string("TEST CASE:  ") + leaky + "\n"));
  }
  CHECK(outcome.output.contains("by the test"));
}

#ifdef EVERY_GTEST
TEST_CASE("every test of GoogleTest has a tracker, and exactly those that leak fail" *
          doctest::skip(!leash::tracking_enabled)) {
  const Outcome outcome = run_program(EVERY_GTEST);
  check_reports(outcome, 3);
  CHECK(outcome.output.contains("3 FAILED TESTS"));
  for (const char* const leaky : {"Every.Leaks", "Every.LeaksInAThread", "Every.LeaksAndThrows"}) {
    CHECK(outcome.output.contains(std::string("[  FAILED  ] ") + leaky + " ("));
  }
  for (const char* const fine : {"Every.Closes", "Every.OpensNothing", "ItsFixture.Closes", "Every.ClosesToo"}) {
    CHECK(outcome.output.contains(std::string("[       OK ] ") + fine + " ("));
  }
}
#endif

#ifdef EVERY_CATCH2
TEST_CASE("every test of Catch2 has a tracker, and exactly those that leak fail" *
          doctest::skip(!leash::tracking_enabled)) {
  const Outcome outcome = run_program(EVERY_CATCH2);
  check_reports(outcome, 4);
  CHECK(outcome.output.contains("test cases: 7 | 3 passed | 4 failed"));
  CHECK(run_program(EVERY_CATCH2 " closes").status == 0);
}
#endif

TEST_CASE("where no test has a tracker of its own, this_test is the process's") {
  CHECK((leash::track::this_test_tracker() == leash::track::process_tracker()));
}
