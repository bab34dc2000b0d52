#pragma once

#include <doctest/doctest.h>

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/track/detail/test_scope.hpp>
#include <source_location>

namespace LEASH_NAMESPACE::track {

/// Fails the doctest case it stands in, with the report, if anything opened with its Context is still open when its
/// scope ends:
///
///     leash::track::DoctestTracker tracker;
///     CHECK(import_csv(tracker.context(), files, "data.csv").has_value());
///
/// Declare it before the handles that must be gone by its end. The failure is shown at the line of the declaration,
/// next to whatever else failed: nothing is thrown, and an exception on its way out stays what it was. Trackers in
/// tests that run at once know nothing of each other.
class [[nodiscard]] DoctestTracker : public detail::TestScope {
 public:
  explicit DoctestTracker(std::source_location site = std::source_location::current()) : site_(site) {}
  explicit DoctestTracker(const Options& options, std::source_location site = std::source_location::current())
      : TestScope(options), site_(site) {}

  ~DoctestTracker() {
    if (const char* const failure = end(); failure != nullptr) {
      DOCTEST_ADD_FAIL_CHECK_AT(site_.file_name(), static_cast<int>(site_.line()), ::doctest::String(failure));
    }
  }

 private:
  std::source_location site_;
};

}  // namespace LEASH_NAMESPACE::track
