#include <cstdio>
#include <cstdlib>
#include <leash/clock.hpp>
#include <leash/fault/detail/runner.hpp>
#include <leash/os/fork.hpp>
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

Runner::Runner(const SweepBody& body, const SweepOptions& options, Places& places, bool watched)
    : body_(body), options_(options), tracker_options_(options.tracker), places_(places) {
  tracker_options_.rules.closed_late = track::Severity::off;
  CrashReport::give_stack();
  if (!watched) return;
  // With a clock of its own the Context has the deadline.
  const bool own_clock = options.context.clock() != Clock::real();
  watchdog_ = Watchdog::lend(own_clock ? options.watchdog : options.deadline, options.watchdog);
}

Run Runner::run(Script script) { return run_with(Ref<SweepPlan>(new SweepPlan(places_, std::move(script))), false); }

Run Runner::replay(std::vector<TokenItem> items) {
  return run_with(Ref<SweepPlan>(new SweepPlan(places_, std::move(items))), false);
}

void Runner::run_in_child(Script script, ChildNotes& notes) {
  const Ref<SweepPlan> plan(new SweepPlan(places_, std::move(script)));
  plan->tell(notes);
  run_with(plan, true);
}

Run Runner::run_with(const Ref<SweepPlan>& plan, bool in_child) {
  plan->reserve(steps_expected_, places_.places().size());
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
  run.hung = context.error() == std::errc::timed_out && !options_.context.done();
  run.report = tracker.close();
  plan->end();
  for (auto kept = plan->take_kept(); !kept.empty(); kept.pop_back()) kept.back().reset();
  if (watchdog != nullptr) run.hung = watchdog->end() || run.hung;

  run.visits = plan->take_visits();
  steps_expected_ = run.visits.size() + 16;
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
    const char* const what = exception.what();
    run.thrown = what != nullptr ? what : "an exception that does not say what it is";
    try {
      if (options_.may_throw && options_.may_throw(exception)) run.thrown.reset();
    } catch (...) {
      *run.thrown += " (and SweepOptions::may_throw throws)";
    }
  } catch (...) {
    run.thrown = "something that is no std::exception";
  }
  if (os::fork_generation() != process) end_forked_child();
}

}  // namespace LEASH_NAMESPACE::fault::detail
