#pragma once

#include <leash/call.hpp>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/result.hpp>

namespace LEASH_NAMESPACE {

/// Waits until `duration` has passed on the Context's clock (with a `FakeClock`, until it was advanced so far). Does
/// not wait if `duration` is zero or negative; waits without end if it is `Clock::duration::max()`. Any number of
/// threads may sleep on one Context.
///
/// Returns early, or at once, when the Context is done. It then fails with the Context's error, `operation_canceled` or
/// `timed_out`, and its cause. Throws what `Clock::at` does.
[[nodiscard]] Result<void> sleep_for(Call call, Clock::duration duration);

/// As `sleep_for`, until the Context's clock has reached `time`.
[[nodiscard]] Result<void> sleep_until(Call call, Clock::time_point time);

// What a call without a Context is told.
Result<void> sleep_for(NoContext), sleep_until(NoContext);

}  // namespace LEASH_NAMESPACE
