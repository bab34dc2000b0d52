#pragma once

#include <chrono>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/detail/ref.hpp>
#include <leash/fault/detail/sweep_plan.hpp>
#include <leash/os/condition_variable.hpp>
#include <leash/os/mutex.hpp>
#include <optional>
#include <thread>

namespace LEASH_NAMESPACE::fault::detail {

/// Watches runs from a thread of its own, on the machine's clock: cancels the Context of one that lasts longer than its
/// deadline, and ends the process if that does not help.
class Watchdog {
 public:
  Watchdog(std::chrono::nanoseconds deadline, std::chrono::nanoseconds limit);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  void begin(leash::detail::Ref<SweepPlan> plan, const CancelSource& source);

  /// Returns whether the run was cancelled.
  bool end();

 private:
  using Time = std::chrono::steady_clock::time_point;

  void watch();
  Time next_look() const;

  const std::chrono::nanoseconds deadline_;
  const std::chrono::nanoseconds limit_;
  os::Mutex mutex_;
  os::ConditionVariable changed_;
  bool stopping_ = false;
  bool cancelled_ = false;
  Time began_;
  leash::detail::Ref<SweepPlan> plan_;  ///< Null between runs.
  std::optional<CancelSource> source_;
  std::thread thread_;
};

}  // namespace LEASH_NAMESPACE::fault::detail
