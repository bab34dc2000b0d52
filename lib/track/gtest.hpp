#pragma once

#include <gtest/gtest.h>

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/track/detail/test_scope.hpp>
#include <source_location>

namespace LEASH_NAMESPACE::track {

/// Fails the GoogleTest test it is declared in, with the report, if the report has a failure when the tracker's scope
/// ends: anything that was opened with its Context and is still open is one.
///
///     leash::track::GtestTracker tracker;
///     EXPECT_TRUE(import_csv(tracker.context(), files, "data.csv").has_value());
///
/// Declare it before the handles that must be closed by the end of its scope; it may be a member of a fixture.
/// GoogleTest shows the failure at the line of the declaration (of a member: in the fixture), beside whatever else
/// failed. The failure is not fatal, the destructor throws nothing, and an exception that is leaving the scope goes on
/// as it was. Trackers in tests that run at the same time are independent of each other; a scope may end in any thread.
class [[nodiscard]] GtestTracker : public detail::TestScope {
 public:
  explicit GtestTracker(std::source_location site = std::source_location::current()) : site_(site) {}
  explicit GtestTracker(const Options& options, std::source_location site = std::source_location::current())
      : TestScope(options), site_(site) {}

  ~GtestTracker() {
    const auto failure = end();
    if (!failure) return;
    try {
      ADD_FAILURE_AT(site_.file_name(), static_cast<int>(site_.line())) << failure->text;
    } catch (...) {  // NOLINT(bugprone-empty-catch)
      // With --gtest_throw_on_failure, GoogleTest throws once it has recorded the failure.
    }
  }

 private:
  std::source_location site_;
};

}  // namespace LEASH_NAMESPACE::track
