#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/function.hpp>
#include <leash/fwd.hpp>
#include <optional>
#include <span>

namespace LEASH_NAMESPACE::track::detail {

/// What `DoctestTracker`, `GtestTracker` and `Catch2Tracker` have in common: all but how the test is made to fail.
class TestScope {
 public:
  TestScope(const TestScope&) = delete;
  TestScope& operator=(const TestScope&) = delete;

  /// The Context to pass to what is tested: it carries the tracker.
  const Context& context() const noexcept LEASH_LIFETIMEBOUND;

  /// `<leash/track/tracker.hpp>`
  Tracker& tracker() noexcept LEASH_LIFETIMEBOUND;
  const Tracker& tracker() const noexcept LEASH_LIFETIMEBOUND;

 protected:
  TestScope();
  explicit TestScope(const Options& options);
  ~TestScope();

  /// The first line of a group in the report, split into the place it begins with and the text behind that.
  struct FirstLine {
    const char* file;  ///< Lives as long as the program.
    unsigned line;
    const char* text;
  };

  /// What to fail the test with. The texts live as long as the TestScope.
  struct Failure {
    const char* text;
    /// The first lines too long for `wrapped_at`, which the framework will break.
    std::span<const FirstLine> broken_lines;
  };

  /// Closes the tracker. Returns what to fail the test with, or nothing if the report is ok. `wrapped_at` is the number
  /// of columns at which the framework wraps what it prints; 0 if it does not. To be called once.
  std::optional<Failure> end(std::size_t wrapped_at = 0) noexcept LEASH_LIFETIMEBOUND;

  /// Calls `function`, while no other thread is in here.
  static void one_at_a_time(const Function<void()>& function);

 private:
  struct State;
  State* state_;
};

}  // namespace LEASH_NAMESPACE::track::detail
