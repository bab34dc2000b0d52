#pragma once

#include <cstdint>
#include <deque>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/fault/detail/ledger.hpp>
#include <leash/fault/detail/runner.hpp>
#include <leash/fault/sweep.hpp>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace LEASH_NAMESPACE::fault::detail {

/// Decides which runs a sweep is made of.
class Explorer {
 public:
  Explorer(const SweepBody& body, const SweepOptions& options);

  SweepResult explore();

 private:
  /// A step at which nothing was tried yet, and the faults that lead to it.
  struct Pending {
    Script prefix;
    Step step;
  };

  /// A second fault, behind a first one that does no harm alone.
  struct Pair {
    Injection first;
    Step second;
  };

  /// How many faults in a row lead to a step that is followed.
  static constexpr std::size_t longest_prefix = 3;

  /// How often a second place leads to a failure before it is left alone.
  static constexpr unsigned enough_failures = 3;

  bool run_without_faults();
  void tell_what_was_not_tried();
  void try_step(const Pending& pending);
  void try_fault(const Pending& pending, const Fault& fault);
  void try_in_a_row(const Script& script);
  void try_pairs();
  void note_pairs(const Script& script, const Run& run);
  /// Runs and judges. Returns whether the run has a failure.
  bool try_script(const Script& script, Run& run);
  void follow(const Script& script, const Run& run);
  bool spent();
  void show_progress();
  const std::vector<Fault>& faults_at(Step step) const { return *runner_.places()[step.place].faults; }

  const SweepOptions& options_;
  Runner runner_;
  Ledger ledger_;
  const Clock::time_point began_;
  SweepResult result_;
  std::unordered_set<std::uint64_t> known_;
  std::deque<Pending> pending_;
  std::vector<Pair> pairs_;
  std::unordered_map<std::uint64_t, unsigned> failures_of_second_;  ///< By step.
  std::uint64_t missed_ = 0;                                        ///< Runs that did not come to what was to fail.
  bool shows_progress_ = false;
  Clock::time_point next_progress_;
};

}  // namespace LEASH_NAMESPACE::fault::detail
