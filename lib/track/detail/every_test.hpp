#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <leash/track/detail/test_scope.hpp>
#include <optional>
#include <string>

namespace LEASH_NAMESPACE::track::detail {

/// What the listeners of test frameworks have in common. One test at a time runs in a process.
class EveryTest {
 public:
  /// A test begins: `this_test()` is its own from now on.
  static void begin() noexcept;

  /// The test has ended, and all that its body held. Returns the report if it has a failure. A test that did not ask
  /// for `this_test()` costs next to nothing. `wrapped_at` as in `TestScope::end`.
  static std::optional<std::string> end(std::size_t wrapped_at = 0) noexcept;
};

}  // namespace LEASH_NAMESPACE::track::detail
