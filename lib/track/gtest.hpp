#pragma once

#include <gtest/gtest.h>

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/track/detail/test_scope.hpp>
#include <source_location>

namespace LEASH_NAMESPACE::track {

/// Fails the GoogleTest test it stands in, with the report, if anything opened with its Context is still open when its
/// scope ends:
///
///     leash::track::GtestTracker tracker;
///     EXPECT_TRUE(import_csv(tracker.context(), files, "data.csv").has_value());
///
/// Declare it before the handles that must be gone by its end; it may be a member of a fixture. The failure is shown at
/// the line of the declaration (of a member: in the fixture), next to whatever else failed: it is not fatal, nothing is
/// thrown, and an exception on its way out stays what it was. Trackers in tests that run at once know nothing of each
/// other, and may end in any thread.
class [[nodiscard]] GtestTracker : public detail::TestScope {
 public:
  explicit GtestTracker(std::source_location site = std::source_location::current()) : site_(site) {}
  explicit GtestTracker(const Options& options, std::source_location site = std::source_location::current())
      : TestScope(options), site_(site) {}

  ~GtestTracker() {
    const char* const failure = end();
    if (failure == nullptr) return;
    try {
      ADD_FAILURE_AT(site_.file_name(), static_cast<int>(site_.line())) << failure;
    } catch (...) {  // NOLINT(bugprone-empty-catch)
      // With --gtest_throw_on_failure: the failure is recorded before it is thrown.
    }
  }

 private:
  std::source_location site_;
};

}  // namespace LEASH_NAMESPACE::track
