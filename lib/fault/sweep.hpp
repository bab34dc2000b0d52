#pragma once

#include <cstdint>
#include <exception>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/detail/chrono.hpp>
#include <leash/fault/fitting_faults.hpp>
#include <leash/fault/sweep_body.hpp>
#include <leash/fault/sweep_result.hpp>
#include <leash/function.hpp>
#include <leash/result.hpp>
#include <leash/track/options.hpp>
#include <leash/track/rule.hpp>
#include <memory>
#include <string_view>

namespace LEASH_NAMESPACE::fault {

/// How `sweep` works. The defaults suit a body that takes some microseconds.
struct SweepOptions {
  /// What the Context of each run is a child of. With a `FakeClock`, deadlines go by that.
  Context context = {};

  /// Of the tracker of each run. What was dropped after a fault is a note, whatever `rules.dropped` says, and late
  /// closes are nothing.
  track::Options tracker = {};

  /// What is tried at each point.
  FittingFaults faults = FittingFaults::standard();

  /// How many times in a row an operation fails at most, where the body tries it again.
  unsigned in_a_row = 4;

  /// 1: a second fault strikes only where the first one led to, and else nothing would have. 2: also anywhere behind
  /// the first.
  unsigned faults_per_run = 2;

  /// When to stop, on the machine's clock. What was left out then is told.
  std::uint64_t max_runs = 100'000;
  std::chrono::nanoseconds max_time = std::chrono::seconds(60);

  /// After what time the Context of a run is done, so that the run is a finding when it returns: on the clock of
  /// `context`.
  std::chrono::nanoseconds deadline = std::chrono::seconds(10);

  /// After what time on the machine's clock the process is ended, with the token of the run on standard error: nothing
  /// else ends a run that does not heed its Context.
  std::chrono::nanoseconds watchdog = std::chrono::seconds(60);

  /// Whether each run is tried in a forked child first, so that one that crashes, exits or never ends is a finding, and
  /// the sweep goes on. A run that comes back from there is then made in this process, and judged. So the body runs
  /// twice, and what it prints the first time goes nowhere, but that what a sanitizer reports there is a finding. Linux
  /// only. The process must have no threads but leash's own: the result says which it has.
  bool isolate = false;

  /// How many runs are under way at once: 0 for as many as there are processors. In threads of the sweep, so that the
  /// body, and what else the sweep calls, is called by several at a time; if runs are isolated, it is their children
  /// that are many, and the body must not wait for any child (`wait`) but its own. The result is the same, as long as
  /// `max_time` suffices. Runs that are not isolated are made one at a time, and the result says so, if the rule
  /// `untracked` is on or if `context` has another clock than the machine's: runs have these in common.
  unsigned jobs = 1;

  /// Whether a run may end by this exception. Empty: by none.
  Function<bool(const std::exception&)> may_throw = nullptr;

  /// What it is that the body returns success though an operation has failed: it was tried again, or the error was
  /// swallowed. Of runs with one failure only.
  track::Severity swallowed = track::Severity::note;
};

/// Finds the bugs on the error paths of `body`. Runs it once without faults, and notes each operation that it does
/// under its Context through a `fs::FaultFS`, a `net::FaultDialer` or a `net::FaultBinder`, or tells by `fault::check`.
/// Then runs it again for each of these points and each fault that fits it; and so on for the points that only those
/// runs come to. Each run has a Context and a tracker of its own, and is judged by that tracker.
///
///     auto result = leash::fault::sweep([](leash::Context ctx) -> leash::Result<void> {
///       leash::fs::MemoryFS memory{{"data.csv", "a,b\n1,2\n"}};
///       leash::fs::FaultFS faulty(memory);
///       leash::fs::TrackedFS files(faulty);
///       return copy_csv(ctx, files);                 // the body builds all that it uses, so every run is fresh
///     });
///
/// The body must do the same each time: the result says where it does not. It may run threads, if these do what they do
/// in an order that is the same each time.
///
/// A run is bad if its tracker has a finding, if it ends its process or a sanitizer reports something (where it is
/// isolated), if it throws (but for
/// `SweepOptions::may_throw`), if it lasts longer than the deadline, or if it breaks an invariant (`expect`). If it
/// swallows an error, that is a note. Where tracking is compiled out there are no findings, and the result says so.
///
/// If the environment has `LEASH_REPLAY`, runs only what that token says: `replay`. Where it cannot, the result says
/// why, and is not ok.
///
/// Several threads may sweep at once. Throws nothing of its own but `std::bad_alloc`, and `std::system_error` if it
/// cannot start the thread that watches, or a child.
[[nodiscard]] SweepResult sweep(const SweepBody& body, const SweepOptions& options = {});

/// Runs `body` once, with the faults of a token that a `sweep` of it has told, and without deadline and watchdog: for a
/// debugger. A token stays valid when code elsewhere changes: a place is found by its function and the text of its
/// line.
///
/// Fails with `invalid_argument` if the token is malformed, or if the run does not come to one of its places, which the
/// Error names.
[[nodiscard]] Result<SweepResult> replay(std::string_view token, const SweepBody& body,
                                         const SweepOptions& options = {});

/// In a run of a sweep, keeps `object` until the run was judged: what would be closed by its destructor at the end of
/// the body, as a pool or a table of sessions, would hide what was forgotten in it. Does nothing elsewhere.
///
///     auto client = std::make_shared<Client>(files, dialer);
///     leash::fault::keep_until_verdict(ctx, client);
///
/// All that `object` refers to must live as long: keep that before it. What was kept last is let go first.
void keep_until_verdict(const Context& context, std::shared_ptr<void> object);

/// In a run of a sweep, a finding if `holds` is false: an invariant of the user's is broken, which `what` names.
/// Returns `holds`, and does nothing else elsewhere.
bool expect(Call call, bool holds, std::string_view what);

// What a call without a Context is told.
bool expect(NoContext, bool, std::string_view);

}  // namespace LEASH_NAMESPACE::fault
