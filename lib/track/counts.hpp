#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/kind.hpp>
#include <vector>

namespace LEASH_NAMESPACE::track {

/// How many resources of a kind a tracker has seen.
struct KindCount {
  Kind kind = {};
  std::uint64_t opened = 0;  ///< Since the tracker began,
  std::uint64_t closed = 0;  ///< and how many of these are closed.

  std::uint64_t open() const noexcept { return opened - closed; }
};

/// What `Tracker::counts` returns: a plain value.
struct Counts {
  /// The kinds that the tracker has seen, in the order in which the process came to know them. From the 31st on all
  /// kinds of a process are counted together, as "other resource".
  std::vector<KindCount> kinds;
  std::uint64_t opened = 0;  ///< Of all kinds.
  std::uint64_t closed = 0;

  std::uint64_t open() const noexcept { return opened - closed; }
};

}  // namespace LEASH_NAMESPACE::track
