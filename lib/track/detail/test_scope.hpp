#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/track/tracker.hpp>
#include <optional>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// What `DoctestTracker`, `GtestTracker` and `Catch2Tracker` have in common: all but how the test is made to fail.
class TestScope {
 public:
  /// The Context to pass to what is tested: it carries the tracker.
  const Context& context() const noexcept LEASH_LIFETIMEBOUND { return tracked_.context; }

  Tracker& tracker() noexcept LEASH_LIFETIMEBOUND { return tracked_.tracker; }
  const Tracker& tracker() const noexcept LEASH_LIFETIMEBOUND { return tracked_.tracker; }

 protected:
  explicit TestScope(Options options);
  ~TestScope() = default;

  /// The first line of a group in the report, split into the place it begins with and the text behind that.
  struct FirstLine {
    const char* file;  ///< Lives as long as the program.
    unsigned line;
    std::string text;
  };

  /// What to fail the test with.
  struct Failure {
    std::string text;
    std::vector<FirstLine>
        broken_lines;  ///< The first lines too long for `wrapped_at`, which the framework will break.
  };

  /// Closes the tracker. Returns what to fail the test with, or nothing if the report is ok. `wrapped_at` is the number
  /// of columns at which the framework wraps what it prints; 0 if it does not.
  std::optional<Failure> end(std::size_t wrapped_at = 0) noexcept;

 private:
  TrackedContext tracked_;
};

}  // namespace LEASH_NAMESPACE::track::detail
