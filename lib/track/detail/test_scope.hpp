#pragma once

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/function.hpp>
#include <leash/fwd.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// What the trackers of all test frameworks share: everything but how a test is failed.
class TestScope {
 public:
  TestScope(const TestScope&) = delete;
  TestScope& operator=(const TestScope&) = delete;

  /// Carries the tracker.
  const Context& context() const noexcept LEASH_LIFETIMEBOUND;

  /// `<leash/track/tracker.hpp>`
  Tracker& tracker() noexcept LEASH_LIFETIMEBOUND;
  const Tracker& tracker() const noexcept LEASH_LIFETIMEBOUND;

 protected:
  TestScope();
  explicit TestScope(const Options& options);
  ~TestScope();

  /// The verdict: the text to fail the test with, which lives as long as this, or null.
  const char* end() noexcept LEASH_LIFETIMEBOUND;

  /// Calls `function`, while no other thread is in here.
  static void one_at_a_time(const Function<void()>& function);

 private:
  struct State;
  State* state_;
};

}  // namespace LEASH_NAMESPACE::track::detail
