#pragma once

#include <leash/clock.hpp>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::detail {

/// `start + wait`, saturated: where that overflows, the latest time that there is, or the earliest if `wait` is
/// negative. So a wait of `duration::max()` is one without end.
constexpr Clock::time_point deadline_after(Clock::time_point start, Clock::duration wait) noexcept {
  constexpr auto earliest = Clock::time_point::min();
  constexpr auto latest = Clock::time_point::max();
  const Clock::duration since = start.time_since_epoch();
  if (wait >= Clock::duration::zero()) {
    return since > latest.time_since_epoch() - wait ? latest : start + wait;
  }
  return since < earliest.time_since_epoch() - wait ? earliest : start + wait;
}

}  // namespace LEASH_NAMESPACE::detail
