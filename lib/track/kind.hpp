#pragma once

#include <leash/config.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::track {

/// What sort of resource a tag stands for, in the words a report uses: `inline constexpr Kind slot{"slot", "slots"};`.
/// The texts must live as long as the program: string literals.
struct Kind {
  std::string_view one;
  std::string_view many;

  friend bool operator==(const Kind&, const Kind&) = default;
};

}  // namespace LEASH_NAMESPACE::track
