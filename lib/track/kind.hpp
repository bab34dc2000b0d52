#pragma once

#include <leash/config.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::track {

/// What sort of resource a tag stands for, in the words of a report: `inline constexpr Kind slot{"slot", "slots"};`.
/// The texts must live as long as the program does, as string literals do.
struct Kind {
  std::string_view one;   ///< The singular.
  std::string_view many;  ///< The plural.

  friend bool operator==(const Kind&, const Kind&) = default;
};

}  // namespace LEASH_NAMESPACE::track
