#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::fault::detail {

class SweepPlan;

/// As long as one lives, exit(3) and the signals that end the process (SIGSEGV, SIGABRT and the like) first write the
/// token of the run that is under way to standard error. Then a signal does what it would have done: the handlers that
/// were there before are called, those of a sanitizer or a test framework, say. A handler that the body installs stays.
/// Any number may live at once.
class CrashReport {
 public:
  /// What it says begins so.
  static constexpr std::string_view opening = "leash: a run of the sweep ";

  CrashReport();
  CrashReport(const CrashReport&) = delete;
  CrashReport& operator=(const CrashReport&) = delete;
  ~CrashReport();

  /// Gives the calling thread a stack for the handlers of signals, until it ends, if it has none: one that has overrun
  /// its own can say nothing without.
  static void give_stack();

  /// While one lives, `plan` is a run that is under way in the thread that made it, and destroys it. Of a crash in a
  /// thread that has none, all runs are told.
  class Run {
   public:
    explicit Run(const SweepPlan& plan) noexcept;
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    ~Run();

   private:
    std::size_t slot_ = 0;  ///< Where it is noted.
  };
};

}  // namespace LEASH_NAMESPACE::fault::detail
