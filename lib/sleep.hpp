#pragma once

#include <leash/call.hpp>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/result.hpp>

namespace LEASH_NAMESPACE {

/// Waits until `duration` has passed on the Context's clock, so that a test with a `FakeClock` need not wait. Zero and
/// less is no wait, and `Clock::duration::max()` one without end. Any number of threads may sleep on one Context.
///
/// Ends early when the Context does, and fails with its error: `operation_canceled` or `timed_out`, with the cause. So
/// it does at once where the Context is done already.
[[nodiscard]] Result<void> sleep_for(Call call, Clock::duration duration);

/// The same until the Context's clock has reached `time`.
[[nodiscard]] Result<void> sleep_until(Call call, Clock::time_point time);

// What a call without a Context is told.
Result<void> sleep_for(NoContext), sleep_until(NoContext);

}  // namespace LEASH_NAMESPACE
