#pragma once

#include <leash/clock.hpp>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::detail {

/// `wait` after `start`, or the first or last time there is where that lies beyond it: to wait for `duration::max()` is
/// to wait for ever, and not until some time in the past.
constexpr Clock::time_point deadline_after(Clock::time_point start, Clock::duration wait) noexcept {
  constexpr auto first = Clock::time_point::min();
  constexpr auto last = Clock::time_point::max();
  const Clock::duration since = start.time_since_epoch();
  if (wait >= Clock::duration::zero()) {
    return since > last.time_since_epoch() - wait ? last : start + wait;
  }
  return since < first.time_since_epoch() - wait ? first : start + wait;
}

}  // namespace LEASH_NAMESPACE::detail
