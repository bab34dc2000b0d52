#pragma once

#include <chrono>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/detail/ref.hpp>
#include <leash/fault/detail/sweep_plan.hpp>
#include <leash/os/mutex.hpp>
#include <leash/registration.hpp>
#include <memory>
#include <optional>
#include <vector>

namespace LEASH_NAMESPACE::fault::detail {

/// Watches runs, by the machine's clock and in its thread: cancels the Context of one that lasts longer than its
/// deadline, and ends the process if that does not help.
class Watchdog {
 public:
  Watchdog(Clock::duration deadline, Clock::duration limit) : deadline_(deadline), limit_(limit) {}
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  /// Gives a watchdog back, for the next sweep.
  struct GiveBack {
    void operator()(Watchdog* watchdog) const noexcept;
  };
  using Lent = std::unique_ptr<Watchdog, GiveBack>;

  /// One that no other sweep has. It may have a time to look at already: to set one wakes the clock's thread, which
  /// takes as long as some runs do.
  static Lent lend(Clock::duration deadline, Clock::duration limit);

  /// Throws what `Clock::at` does.
  void begin(leash::detail::Ref<SweepPlan> plan, const CancelSource& source);

  /// Returns whether the run was cancelled.
  bool end();

 private:
  void look();
  void look_at(Clock::time_point time);

  const Clock::duration deadline_;
  const Clock::duration limit_;
  os::Mutex mutex_;
  bool stopping_ = false;
  bool looks_again_ = false;
  Clock::time_point next_look_;
  bool cancelled_ = false;
  Clock::time_point began_;
  leash::detail::Ref<SweepPlan> plan_;  ///< Null between runs.
  std::optional<CancelSource> source_;
  std::vector<Registration> looks_;  ///< One at most is to come.
};

}  // namespace LEASH_NAMESPACE::fault::detail
