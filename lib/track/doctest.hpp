#pragma once

#include <doctest/doctest.h>

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/track/detail/test_scope.hpp>
#include <source_location>

namespace LEASH_NAMESPACE::track {

/// Fails the doctest test case it is declared in, with the report, if the report has a failure when the tracker's scope
/// ends: anything that was opened with its Context and is still open is one.
///
///     leash::track::DoctestTracker tracker;
///     CHECK(import_csv(tracker.context(), files, "data.csv").has_value());
///
/// Declare it before the handles that must be closed by the end of its scope. doctest shows the failure at the line of
/// the declaration, beside whatever else failed. The destructor throws nothing, and an exception that is leaving the
/// scope goes on as it was. Trackers in tests that run at the same time are independent of each other.
class [[nodiscard]] DoctestTracker : public detail::TestScope {
 public:
  explicit DoctestTracker(std::source_location site = std::source_location::current()) : site_(site) {}
  explicit DoctestTracker(const Options& options, std::source_location site = std::source_location::current())
      : TestScope(options), site_(site) {}

  ~DoctestTracker() {
    if (const auto failure = end(); failure) {
      DOCTEST_ADD_FAIL_CHECK_AT(site_.file_name(), static_cast<int>(site_.line()), ::doctest::String(failure->text));
    }
  }

 private:
  std::source_location site_;
};

}  // namespace LEASH_NAMESPACE::track
