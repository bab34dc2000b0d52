#pragma once

#include <cstddef>
#include <leash/call.hpp>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/detail/ref.hpp>
#include <leash/function.hpp>
#include <leash/notes.hpp>
#include <leash/registration.hpp>
#include <leash/result.hpp>
#include <leash/track/counts.hpp>
#include <leash/track/errc.hpp>
#include <leash/track/mark.hpp>
#include <leash/track/options.hpp>
#include <leash/track/report.hpp>
#include <leash/track/request.hpp>
#include <leash/track/resource.hpp>
#include <leash/track/tag.hpp>
#include <leash/track/threshold.hpp>
#include <optional>
#include <source_location>
#include <string_view>

namespace LEASH_NAMESPACE::track {

namespace detail {
class TrackerState;
void destroy(TrackerState* state) noexcept;
}  // namespace detail

/// Knows every tag that was created with it and is still open. A handle to shared state: copies are the same tracker,
/// and moving one copies it. All members are thread-safe.
///
/// If a process has several copies of leash (a plugin that links leash statically has its own), trackers and tags work
/// only in the copy that made them. A Context may be passed to another copy: there it carries no tracker. A Tracker may
/// not: members that create a tag or a Mark or return a Report, and those that say so, throw `std::logic_error` there.
/// In both cases leash says so once on standard error.
class Tracker {
 public:
  /// A new tracker, which begins now.
  explicit Tracker(Options options = {});
  Tracker(const Tracker&) noexcept;
  Tracker& operator=(const Tracker&) noexcept;

  /// If the last handle is destroyed without `close`, nothing is judged or reported.
  ~Tracker();

  /// A tag for a resource that was just acquired at `site`, with the caller's stack, and with `notes` for the report.
  /// Throws `std::bad_alloc`. If the tracker is closed, that is a finding, `opened-after-end`, and throws
  /// `std::logic_error` (not if tracking is compiled out).
  [[nodiscard]] Tag create(const Resource& resource, std::source_location site = std::source_location::current(),
                           const Notes& notes = {});

  /// As `create`, with the site and notes of `call`, for callers that may come after the verdict: if the tracker is
  /// closed, does not throw, but returns the Error of `operation` on the resource, with `errc::tracker_closed` and the
  /// site. The finding is the same.
  [[nodiscard]] Result<Tag> try_create(Call call, const Resource& resource, std::string_view operation = "acquire");

  /// As `try_create`, of a resource that was asked for at `request`: the operation that has opened it runs in an event
  /// loop or in another thread by now. `call` has the site of `request`.
  [[nodiscard]] Result<Tag> try_create(Call call, const Resource& resource, std::string_view operation,
                                       Request request);

  /// Where the caller asks for a resource that an asynchronous operation opens later. Nothing fails.
  [[nodiscard]] Request request(Call call) const noexcept;

  /// Whether `try_create` would fail because the tracker is closed: fails as it would, with the same finding. A
  /// decorator asks before it opens a resource.
  [[nodiscard]] Result<void> check(Call call, const Resource& resource, std::string_view operation) const;

  // What a call without a Context is told.
  Result<Tag> try_create(NoContext, std::string_view = {});
  Result<void> check(NoContext, std::string_view) const;

  /// Ends the tracking: from now on no tag can be created, and what is open is reported as `leaked`. Returns the
  /// verdict, the same one at each call.
  ///
  /// Before that, waits until nothing is open but what was open at `set_baseline`, but no longer than `settle` on the
  /// tracker's clock: for resources that other threads are about to close. It does not poll.
  [[nodiscard]] Report close(Clock::duration settle = {});

  /// Takes what is open now as given: it will not be reported as `leaked`, nor shown in a `snapshot`, and descriptors
  /// that are open now will not be `untracked`. May be called again later.
  void set_baseline();

  /// What is open now but was not at `set_baseline`, as notes, and the findings so far. Closes nothing and judges
  /// nothing: a live view of a running program.
  [[nodiscard]] Report snapshot() const;

  /// The present moment, for `report_since`. Takes 8 bytes for each thread index up to the highest that has opened
  /// something.
  [[nodiscard]] Mark mark() const;

  /// What was opened after `mark` and is open now, except for what was open at `set_baseline`, as findings `leaked`.
  /// The tracker stays open, and a resource may be reported any number of times. With it a listener of a test framework
  /// judges each test in a process whose tracker is never closed:
  ///
  ///     const auto mark = process_tracker().mark();        // when a test begins
  ///     const auto report = process_tracker().report_since(mark);  // when it ends: fail it unless `report.ok()`
  ///
  /// It includes what other tests that run at the same time have open. The suppressions apply; findings of other rules
  /// are in `snapshot` and in the verdict of `close` only. `opened` and `closed` of the Report count what was opened
  /// after `mark`. Throws `std::logic_error` if the mark is another tracker's.
  [[nodiscard]] Report report_since(const Mark& mark) const;

  /// How many resources are open, including those that were open at `set_baseline`. Cheap: reads the counters of each
  /// thread, and no record.
  std::size_t open_count() const noexcept;

  /// How many resources of each kind were opened and closed, including those that were open at `set_baseline`: what a
  /// program exports as metrics. As cheap as `open_count`. Throws `std::bad_alloc`, and `std::logic_error` in another
  /// copy of leash.
  [[nodiscard]] Counts counts() const;

  /// How long the oldest resource has been open that is open now and was not so at `set_baseline`; nothing if there is
  /// none. Reads the records of all open resources, but once a second at most: so one that was closed within the last
  /// second may still be the oldest, and one that was opened since is not seen if there was none. What was opened at
  /// level `count` has no age. Throws `std::logic_error` in another copy of leash.
  [[nodiscard]] std::optional<Clock::duration> oldest() const;

  /// Calls `callback` when a limit of `threshold` is reached, also if it is already, and after that again each time
  /// that it is reached anew (see `Threshold::rearm`). The limits are looked at once a second on the tracker's clock,
  /// and, but for `age`, whenever a thread has some 60 resources more open than it ever had. Where that does not
  /// happen, opening and closing cost what they cost without.
  ///
  /// `callback` is called in the clock's thread (that of a `FakeClock` is the one that advances it, or opens a
  /// resource); it should be brief, and what it throws is ignored. The Registration keeps the tracker alive. A forked
  /// child looks again from the moment on when it has opened some 60 resources.
  ///
  /// Throws `std::logic_error` if no limit is set, one is out of its range, or `callback` is empty, or in another copy
  /// of leash, and what `Clock::at` does.
  Registration on_threshold(const Threshold& threshold, Function<void(const ThresholdReached&)> callback);

  /// Whether `close` was called.
  bool closed() const noexcept;

  /// How much is kept of a resource that is opened now.
  Level level() const noexcept;

  /// Sets how much is kept of resources that are opened from now on; what is open does not change. So a program that
  /// runs at `count` or `site` can switch to stacks when the number of its open handles grows.
  void set_level(Level level) noexcept;

  /// Whether two handles are to the same tracker.
  friend bool operator==(const Tracker& a, const Tracker& b) noexcept { return a.state_.get() == b.state_.get(); }

 private:
  friend Tracker* find_tracker(const Context& context) noexcept;

#if LEASH_TRACKING
  /// The tag of `record`; if that is null, since the tracker was closed, the Error of `operation`.
  Result<Tag> tag_of(detail::Record* record, Call call, const Resource& resource, std::string_view operation);
#endif

  leash::detail::Ref<detail::TrackerState> state_;
};

/// What `with_tracker` returns: `auto [tracker, ctx] = with_tracker(Context::background());`
struct TrackedContext {
  Tracker tracker;
  Context context;
};

/// A new tracker, and a child of `context` that carries it.
[[nodiscard]] TrackedContext with_tracker(const Context& context, Options options = {});

/// A child of `context` that carries `tracker`.
[[nodiscard]] Context with_tracker(const Context& context, const Tracker& tracker);

/// The tracker that `context` carries; none if it carries none, or one of another copy of leash.
[[nodiscard]] std::optional<Tracker> tracker_from(const Context& context) noexcept;

/// The same without a reference count: a pointer that is valid for as long as `context` lives, or null.
[[nodiscard]] Tracker* find_tracker(const Context& context LEASH_LIFETIMEBOUND) noexcept;

/// The tracker of the process, for production and for code that has no Context: `process_tracker().snapshot()` is the
/// live view. Made with the default options by the first call, and never destroyed. Thread-safe.
[[nodiscard]] Tracker& process_tracker();

/// A tag for a resource that was just acquired: `Tracker::create` with the tracker of the call's Context, the call's
/// site and the Context's notes. Empty if the Context has no tracker. Throws as `create` does: `std::logic_error` if
/// the tracker is closed, and `std::bad_alloc`.
[[nodiscard]] Tag acquire(Call call, const Resource& resource);

/// As `acquire`, for callers that may come after the verdict: if the tracker is closed, fails with
/// `errc::tracker_closed`, naming the resource and the site.
[[nodiscard]] Result<Tag> try_acquire(Call call, const Resource& resource);

// What a call without a Context is told.
Tag acquire(NoContext);
Result<Tag> try_acquire(NoContext);

}  // namespace LEASH_NAMESPACE::track
