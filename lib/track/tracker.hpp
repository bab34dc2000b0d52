#pragma once

#include <cstddef>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/detail/ref.hpp>
#include <leash/notes.hpp>
#include <leash/result.hpp>
#include <leash/track/errc.hpp>
#include <leash/track/mark.hpp>
#include <leash/track/options.hpp>
#include <leash/track/report.hpp>
#include <leash/track/resource.hpp>
#include <leash/track/tag.hpp>
#include <optional>
#include <source_location>
#include <string_view>

namespace LEASH_NAMESPACE::track {

namespace detail {
class TrackerState;
void destroy(TrackerState* state) noexcept;
}  // namespace detail

/// Knows every tag that was made with it and is still open. A handle to shared state: copies are the same tracker, and
/// to move one is to copy it. All members may be called from any thread.
///
/// Where a process has several copies of leash (a plugin that links it statically has its own), trackers and tags are
/// of use to the copy that made them alone. A Context may go to another copy: it carries no tracker there. A Tracker
/// itself may not: what makes tags or a Report throws `std::logic_error`. Both are said once on standard error.
class Tracker {
 public:
  explicit Tracker(Options options = {});
  Tracker(const Tracker&) noexcept;
  Tracker& operator=(const Tracker&) noexcept;

  /// A tracker that is destroyed without `close` judges nothing.
  ~Tracker();

  /// A tag for a resource that was just acquired at `site`. The stack is that of the caller.
  /// Throws `std::logic_error` if the tracker is closed (never where tracking is compiled out), and `std::bad_alloc`.
  [[nodiscard]] Tag create(const Resource& resource, std::source_location site = std::source_location::current(),
                           const Notes& notes = {});

  /// As `create`, for those who can be late: where the tracker is closed, that is a finding, `opened-after-end`, and
  /// the result is the Error of `operation` on the resource, with `errc::tracker_closed` and the site.
  [[nodiscard]] Result<Tag> try_create(Call call, const Resource& resource, std::string_view operation = "acquire");

  /// Success while the tracker is not closed, then what `try_create` fails with: what a decorator asks before it opens
  /// something.
  [[nodiscard]] Result<void> check(Call call, const Resource& resource, std::string_view operation) const;

  // What a call without a Context is told.
  Result<Tag> try_create(NoContext, std::string_view = {});
  Result<void> check(NoContext, std::string_view) const;

  /// Ends the tracking: no tag can be created any more, and what is open is leaked. Returns the verdict, and the same
  /// one each time.
  ///
  /// With `settle`, first waits until nothing is open but what was before `set_baseline`, though no longer than that on
  /// the tracker's clock: for what is still on its way to being closed in other threads. It does not poll.
  [[nodiscard]] Report close(Clock::duration settle = {});

  /// What is open now was open before, and is none of the tracker's business: it will not be called leaked, and no
  /// `snapshot` shows it. Descriptors that are open now are not `untracked` either. May be called again, to move on.
  void set_baseline();

  /// What is open now but was not at `set_baseline`, and what was found so far. Closes nothing and judges nothing: the
  /// live view of a running program.
  [[nodiscard]] Report snapshot() const;

  /// This moment, for `report_since`. Costs a word for each thread that has opened something.
  [[nodiscard]] Mark mark() const;

  /// A verdict on what was opened after `mark` and is open now, but for what was open at `set_baseline`; nothing is
  /// closed, and each resource may be reported any number of times. So a listener of a test framework judges each test,
  /// in a process whose tracker never closes:
  ///
  ///     const auto mark = process_tracker().mark();        // when a test begins
  ///     const auto report = process_tracker().report_since(mark);  // when it ends: fail it unless `report.ok()`
  ///
  /// What tests that run at the same time have open is in it too. Weighs by the rule `leaked`, and the suppressions
  /// apply; other rules' findings stand in `snapshot` and in the verdict of `close`. `opened` and `closed` of the
  /// Report count what was opened after `mark`. Throws `std::logic_error` if the mark is another tracker's.
  [[nodiscard]] Report report_since(const Mark& mark) const;

  /// How many resources are open, those from before `set_baseline` too. Reads a counter for each thread, and no record.
  std::size_t open_count() const noexcept;
  bool closed() const noexcept;

  /// How much is kept of each resource.
  Level level() const noexcept;

  /// What is opened from now on is kept at this level; nothing changes for what is open. So a program that runs at
  /// `count` or `site` can be asked for stacks once the number of its open handles grows.
  void set_level(Level level) noexcept;

  /// Whether two handles are to the same tracker.
  friend bool operator==(const Tracker& a, const Tracker& b) noexcept { return a.state_.get() == b.state_.get(); }

 private:
  friend Tracker* find_tracker(const Context& context) noexcept;

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

/// The tracker that `context` carries, or none.
[[nodiscard]] std::optional<Tracker> tracker_from(const Context& context) noexcept;

/// The same for as long as `context` lives, or null: to ask costs no reference count.
[[nodiscard]] Tracker* find_tracker(const Context& context LEASH_LIFETIMEBOUND) noexcept;

/// The tracker of the process, for production and for where no Context is at hand: `process_tracker().snapshot()` is
/// the live view. Made when first asked for, with the default options, and never destroyed.
[[nodiscard]] Tracker& process_tracker();

/// A tag for a resource that was just acquired: from the Context's tracker, with the call's site and the Context's
/// notes. Empty if the Context has no tracker. Throws `std::logic_error` if the tracker is closed.
[[nodiscard]] Tag acquire(Call call, const Resource& resource);

/// As `acquire`, for those who can be late: fails with `errc::tracker_closed`, naming the resource and the site.
[[nodiscard]] Result<Tag> try_acquire(Call call, const Resource& resource);

// What a call without a Context is told.
Tag acquire(NoContext);
Result<Tag> try_acquire(NoContext);

}  // namespace LEASH_NAMESPACE::track
