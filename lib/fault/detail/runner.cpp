#include <cstdio>
#include <cstdlib>
#include <leash/clock.hpp>
#include <leash/fault/detail/child.hpp>
#include <leash/fault/detail/runner.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/thread_names.hpp>
#include <leash/track/tracker.hpp>
#include <utility>

namespace LEASH_NAMESPACE::fault::detail {

using leash::detail::Ref;

namespace {

/// A child that the body has forked must not sweep on beside its parent.
[[noreturn]] void end_forked_child() {
  std::fputs("leash: a child that the body of a sweep has forked came back from the body: it ends here\n", stderr);
  std::_Exit(EXIT_FAILURE);
}

}  // namespace

Runner::Runner(const SweepBody& body, const SweepOptions& options, bool watched)
    : body_(body), options_(options), tracker_options_(options.tracker), places_(options.faults) {
  tracker_options_.rules.closed_late = track::Severity::off;
  if (watched) watchdog_ = Watchdog::lend(options.deadline, options.watchdog);
}

Run Runner::run(Script script) {
  if (options_.isolate && watchdog_) {
    other_threads_ = os::other_threads();
    if (!other_threads_.empty()) return {};
  }
  ++runs_;
  if (options_.isolate && watchdog_) {
    if (std::optional<Run> dead = try_in_child(script)) return *std::move(dead);
  }
  return run_with(Ref<SweepPlan>(new SweepPlan(places_, std::move(script))), false);
}

std::optional<Run> Runner::try_in_child(const Script& script) {
  const std::optional<Death> death = die_in_child(
      // With all that follows the body, where what it has left behind may crash too.
      [&] { run_with(Ref<SweepPlan>(new SweepPlan(places_, script)), true); }, options_.watchdog);
  if (!death) return std::nullopt;
  Run run{.hung = death->hung};
  if (!death->hung) run.death = death->how;
  // What a child has struck, it takes with it.
  for (const Injection& injection : script) {
    Injection one = injection;
    for (one.times = 1; one.step.occurrence - injection.step.occurrence < injection.times; ++one.step.occurrence) {
      run.struck.push_back({one, std::string(), places_[one.step.place].location, 0});
    }
  }
  return run;
}

Run Runner::replay(std::vector<TokenItem> items) {
  return run_with(Ref<SweepPlan>(new SweepPlan(places_, std::move(items))), false);
}

Run Runner::run_with(const Ref<SweepPlan>& plan, bool in_child) {
  plan->reserve(steps_expected_, places_.size());
  Watchdog* const watchdog = in_child ? nullptr : watchdog_.get();
  const bool own_clock = options_.context.clock() != Clock::real();
  auto [cancellable, source] = options_.context.with_cancel();
  if (in_child || (watchdog != nullptr && own_clock)) cancellable = cancellable.with_timeout(options_.deadline);
  auto [tracker, tracked] = track::with_tracker(cancellable, tracker_options_);
  const Context context = with_plan_state(tracked, Ref<PlanState>(plan.get()));

  Run run;
  const CrashReport::Run told(*plan);
  if (watchdog != nullptr) watchdog->begin(plan, source);
  call_body(context, run);
  run.hung = context.error() == std::errc::timed_out;
  run.report = tracker.close();
  plan->end();
  for (auto kept = plan->take_kept(); !kept.empty(); kept.pop_back()) kept.back().reset();
  if (watchdog != nullptr) run.hung = watchdog->end() || run.hung;

  run.steps = plan->take_steps();
  steps_expected_ = run.steps.size() + 16;
  run.struck = plan->struck();
  run.broken = plan->take_broken();
  run.unbound = plan->unbound();
  return run;
}

void Runner::call_body(const Context& context, Run& run) const {
  const std::uint32_t process = os::fork_generation();
  try {
    Result<void> result = body_(context);
    run.succeeded = result.has_value();
    if (!result) run.error = std::move(result).error();
  } catch (const std::exception& exception) {
    if (!options_.may_throw || !options_.may_throw(exception)) run.thrown = exception.what();
  } catch (...) {
    run.thrown = "something that is no std::exception";
  }
  if (os::fork_generation() != process) end_forked_child();
}

}  // namespace LEASH_NAMESPACE::fault::detail
