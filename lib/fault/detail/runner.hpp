#pragma once

#include <leash/config.hpp>
#include <leash/fault/detail/crash_report.hpp>
#include <leash/fault/detail/places.hpp>
#include <leash/fault/detail/script.hpp>
#include <leash/fault/detail/sweep_plan.hpp>
#include <leash/fault/detail/watchdog.hpp>
#include <leash/fault/sweep.hpp>
#include <leash/track/report.hpp>
#include <optional>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::fault::detail {

/// What became of a run.
struct Run {
  std::vector<Visit> visits = {};
  std::vector<Struck> struck = {};
  track::Report report = {};
  std::vector<SweepPlan::Broken> broken = {};
  std::vector<TokenItem> unbound = {};
  bool succeeded = false;  ///< The body returned, and no Error.
  std::optional<Error> error = std::nullopt;
  std::optional<std::string> thrown = std::nullopt;  ///< What it threw and must not.
  bool hung = false;
  std::optional<std::string> death = std::nullopt;  ///< How it ended its process.
  std::string sanitizer_report = {};                ///< The line in which one reported something, and the run went on.
};

/// Runs the body, each time with a Context and a tracker of its own. Of one thread.
class Runner {
 public:
  /// Without a watchdog, runs may last as long as they want.
  Runner(const SweepBody& body, const SweepOptions& options, Places& places, bool watched);

  Run run(Script script);
  Run replay(std::vector<TokenItem> items);

  /// As `run`, in a forked child that ends with it: its parent has the watchdog.
  void run_in_child(Script script, ChildNotes& notes);

 private:
  Run run_with(const leash::detail::Ref<SweepPlan>& plan, bool in_child);
  void call_body(const Context& context, Run& run) const;

  const SweepBody& body_;
  const SweepOptions& options_;
  track::Options tracker_options_;
  PlaceCache places_;
  Watchdog::Lent watchdog_;  ///< Null if runs may last as long as they want.
  std::size_t steps_expected_ = 0;
};

}  // namespace LEASH_NAMESPACE::fault::detail
