#pragma once

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/track/tracker.hpp>
#include <optional>
#include <string>

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

  /// The verdict: the text to fail the test with, or nothing.
  std::optional<std::string> end() noexcept;

 private:
  TrackedContext tracked_;
};

}  // namespace LEASH_NAMESPACE::track::detail
