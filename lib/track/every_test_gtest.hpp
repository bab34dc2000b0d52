#pragma once

#include <gtest/gtest.h>

#include <leash/config.hpp>
#include <leash/track/detail/every_test.hpp>
#include <leash/track/this_test.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// Puts a tracker around each test of GoogleTest, with its fixture.
class EveryGtest final : public ::testing::EmptyTestEventListener {
 public:
  static bool append() {
    ::testing::UnitTest::GetInstance()->listeners().Append(new EveryGtest());  // GoogleTest deletes it.
    return true;
  }

 private:
  void OnTestStart(const ::testing::TestInfo& /*test*/) override { EveryTest::begin(); }

  void OnTestEnd(const ::testing::TestInfo& test) override {
    const auto report = EveryTest::end();
    if (!report) return;
    try {
      ADD_FAILURE_AT(test.file(), test.line()) << *report;
    } catch (...) {  // NOLINT(bugprone-empty-catch)
      // With --gtest_throw_on_failure, GoogleTest throws once it has recorded the failure.
    }
  }
};

}  // namespace LEASH_NAMESPACE::track::detail

/// Once in a test program, at namespace scope: every test has a tracker, `leash::track::this_test()`, and fails with
/// its report.
#define LEASH_TRACK_EVERY_TEST() \
  [[maybe_unused]] static const bool leash_tracks_every_test = ::leash::track::detail::EveryGtest::append()
