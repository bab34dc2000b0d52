#pragma once

#include <cstddef>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::track {

/// How much is kept of each resource.
enum class Level : unsigned char {
  count,  ///< Of what kind it is: reports tell how many are open.
  site,   ///< Also its name, its times, and the place in the source that opened it.
  stack,  ///< Also the stack.
};

/// The level of a tracker whose options name none: `LEASH_LEVEL` in the environment (`count`, `site` or `stack`) when
/// first asked, else `stack`. Another value is complained of once on standard error.
[[nodiscard]] Level default_level() noexcept;

/// The depth of a tracker whose options name none: `LEASH_DEPTH` in the environment (0 to 256), else 16.
[[nodiscard]] std::size_t default_depth() noexcept;

/// How many groups are told of a report whose tracker's options do not say: `LEASH_MAX_GROUPS` in the environment (a
/// number, or `all`), else 20.
[[nodiscard]] std::size_t default_max_groups() noexcept;

}  // namespace LEASH_NAMESPACE::track
