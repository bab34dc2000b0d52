#pragma once

#include <cstddef>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::track {

/// How much a tracker keeps of each resource.
enum class Level : unsigned char {
  count,  ///< Its kind: a report says how many of each kind are open.
  site,   ///< Also its name, its times, and the place in the source where it was opened.
  stack,  ///< Also the stack there.
};

/// The level of a tracker for which `Options::level` is not set: `LEASH_LEVEL` in the environment (`count`, `site` or
/// `stack`), else `stack`. The environment is read at the first call; another value is ignored, with a line on standard
/// error. Thread-safe, like the two functions below, which read it in the same way.
[[nodiscard]] Level default_level() noexcept;

/// How many return addresses a tracker keeps of a stack if `Options::depth` is not set: `LEASH_DEPTH` in the
/// environment (0 to 256), else 16.
[[nodiscard]] std::size_t default_depth() noexcept;

/// How many groups the text of a report shows if `Options::max_groups` is not set: `LEASH_MAX_GROUPS` in the
/// environment (a number, or `all`), else 20.
[[nodiscard]] std::size_t default_max_groups() noexcept;

}  // namespace LEASH_NAMESPACE::track
