#pragma once

#include <cstdint>
#include <deque>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/fault/detail/jobs.hpp>
#include <leash/fault/detail/ledger.hpp>
#include <leash/fault/detail/runner.hpp>
#include <leash/fault/detail/script.hpp>
#include <leash/fault/sweep.hpp>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace LEASH_NAMESPACE::fault::detail {

/// Decides which runs a sweep is made of. They are judged one after the other, in the same order each time, however
/// many are under way.
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

  /// A run that is to be made.
  struct Task {
    enum class Kind : unsigned char {
      point,   ///< One fault at a step, behind a prefix,
      in_row,  ///< or some faults in a row.
      pair,
    };

    Kind kind;
    Script script;
    std::size_t point = 0;  ///< Of the first kind: which of the result's coverage.
    bool begun = false;
    std::shared_ptr<Job> job = nullptr;  ///< If it was begun, and is not made here.
  };

  /// A step that was come to.
  struct Known {
    std::uint32_t subject;   ///< At first.
    unsigned times_new = 0;  ///< How often another one made it new.
  };

  /// How many faults in a row lead to a step that is followed.
  static constexpr std::size_t longest_prefix = 3;

  /// How often a second place leads to nothing but failures that are known before it is left alone.
  static constexpr std::size_t enough_repeats = 3;

  /// How often a step counts as new because its path or address is.
  static constexpr unsigned most_subjects = 8;

  bool run_without_faults();
  std::optional<Run> run_to_compare();
  void learn(const Run& first, const Run& second);
  void tell_what_was_not_tried();
  void tell_limits();

  /// Makes tasks of what is pending, as many as can be under way.
  void fill();
  void add_tasks(const Pending& pending);
  void add_pair(const Pair& pair);
  void begin_ahead();
  void carry_out(const Task& task);
  void go_on(const Task& task, const Run& run, Judgement judgement);
  void add_in_row(const Script& script, std::uint32_t times);
  bool is_pruned(const Task& task, std::size_t more_repeats = 0);
  void note_pairs(const Script& script, const Run& run);
  void follow(const Script& script, const Run& run);
  bool is_new(const Visit& visit);
  bool spent();
  void show_progress();
  const std::vector<Fault>& faults_at(Step step) const { return *jobs_.places()[step.place].faults; }

  const SweepOptions& options_;
  Jobs jobs_;
  Ledger ledger_;
  const Clock::time_point began_;
  SweepResult result_;
  std::unordered_map<std::uint64_t, Known> known_;    ///< By step.
  std::unordered_set<std::uint64_t> known_subjects_;  ///< Of each place.
  std::unordered_set<std::uint32_t> varying_;         ///< Places with other subjects in each run.
  std::deque<Task> tasks_;
  std::deque<Pending> pending_;
  std::deque<Pair> pairs_;
  std::unordered_map<std::uint64_t, std::size_t> repeats_of_second_;  ///< By step.
  std::uint64_t missed_ = 0;                                          ///< Runs that did not come to what was to fail.
  bool shows_progress_ = false;
  Clock::time_point next_progress_;
};

}  // namespace LEASH_NAMESPACE::fault::detail
