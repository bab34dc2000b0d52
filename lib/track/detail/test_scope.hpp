#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/track/tracker.hpp>
#include <optional>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// What the trackers of all test frameworks share: everything but how a test is failed.
class TestScope {
 public:
  /// Carries the tracker.
  const Context& context() const noexcept LEASH_LIFETIMEBOUND { return tracked_.context; }

  Tracker& tracker() noexcept LEASH_LIFETIMEBOUND { return tracked_.tracker; }
  const Tracker& tracker() const noexcept LEASH_LIFETIMEBOUND { return tracked_.tracker; }

 protected:
  explicit TestScope(Options options);
  ~TestScope() = default;

  /// The first line of a group: where it points to, and what it says of that. The file's name lives as long as the
  /// program.
  struct FirstLine {
    const char* file;
    unsigned line;
    std::string text;
  };

  /// What to fail the test with.
  struct Failure {
    std::string text;
    std::vector<FirstLine> broken;  ///< Those that a framework breaks which wraps its output.
  };

  /// The verdict; nothing if the test passes. `wrapped_at` is the width at which the framework wraps what it prints; 0
  /// for one that does not.
  std::optional<Failure> end(std::size_t wrapped_at = 0) noexcept;

 private:
  TrackedContext tracked_;
};

}  // namespace LEASH_NAMESPACE::track::detail
