#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/fault/detail/runner.hpp>
#include <leash/fault/sweep_result.hpp>
#include <set>
#include <vector>

namespace LEASH_NAMESPACE::fault::detail {

/// What a Ledger says of a run.
struct Judgement {
  bool failed = false;  ///< It has a failure,
  bool is_new = false;  ///< one that no run had before.
};

/// Judges runs, and makes groups of those that are bad in the same way.
class Ledger {
 public:
  Ledger(const SweepOptions& options, bool body_tells_success)
      : options_(options), tells_success_(body_tells_success) {}

  Judgement judge(const Run& run);

  /// The groups as a result has them.
  std::vector<SweepGroup> take_groups();

 private:
  struct Entry {
    SweepGroup group;
    std::set<std::uint64_t> operations;  ///< The last step that was struck, of each run.
    std::size_t fewest_faults = 0;
    std::size_t number = 0;  ///< In the order in which they were found.
  };

  void judge_findings(const Run& run, Judgement& judgement);
  void add(SweepGroup group, const Run& run, Judgement& judgement);

  const SweepOptions& options_;
  const bool tells_success_;
  std::vector<Entry> entries_;
};

/// What was injected, for people.
std::string describe(const std::vector<Struck>& struck);

}  // namespace LEASH_NAMESPACE::fault::detail
