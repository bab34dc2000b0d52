#pragma once

#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/net/detail/wait_list.hpp>
#include <leash/registration.hpp>

namespace LEASH_NAMESPACE::net::detail {

/// Waits until `ready(due)`, which stores the time at which it has to be called again whether or not `events` is
/// notified: `time_point::max()`, as which it is passed, for none.
template <class Ready>
void timed_wait(WaitList& events, Clock& clock, Ready ready) {
  constexpr auto never = Clock::time_point::max();
  Clock::time_point due = never;
  if (ready(due)) return;

  // The clock is not asked for a timer in `WaitList::wait`, which must not throw.
  Registration timer;
  Clock::time_point timer_due = never;
  bool over = false;
  while (!over) {
    if (due != timer_due) {
      timer.reset();
      if (due != never) timer = clock.at(due, [&events] { events.notify_all(); });
      timer_due = due;
    }
    events.wait([&] {
      due = never;
      over = ready(due);
      return over || due != timer_due;
    });
  }
}

}  // namespace LEASH_NAMESPACE::net::detail
