#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/detail/copy.hpp>
#include <leash/detail/ref.hpp>
#include <leash/notes.hpp>
#include <leash/os/event_count.hpp>
#include <leash/os/happens_before.hpp>
#include <leash/os/open_descriptors.hpp>
#include <leash/os/turn.hpp>
#include <leash/track/counts.hpp>
#include <leash/track/detail/watch.hpp>
#include <leash/track/mark.hpp>
#include <leash/track/options.hpp>
#include <leash/track/report.hpp>
#include <leash/track/report/findings.hpp>
#include <leash/track/resource.hpp>
#include <leash/track/stack/capture.hpp>
#include <leash/track/store/releases.hpp>
#include <leash/track/store/shards.hpp>
#include <memory>
#include <optional>
#include <source_location>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// A resource that is about to get a child.
struct Parent {
  leash::detail::Ref<Family> family;
  bool closed = false;  ///< Whether it was closed already, which is a finding of its own.
};

/// What all handles to one tracker share. Thread-safe. Destroyed once it has neither a handle nor a tag any more.
class TrackerState : public Lifetime, public leash::detail::RefCounted {
 public:
  explicit TrackerState(Options options);

  /// The last handle is gone: destroys the tracker, or leaves that to its last tag.
  void last_handle_gone() noexcept;

  /// Opens a record of a resource that was just opened at `location`, as a child in the family `parent` unless that is
  /// null. The stack begins with the caller's caller. Returns null if the tracker is closed. Throws `std::bad_alloc`,
  /// and `std::logic_error` in another copy of leash.
  Record* open(const Resource& resource, std::source_location location, const Notes& notes, const Parent* parent);

  /// Where a resource is asked for at `location`, which is opened later. The stack begins with the caller's caller.
  Place place_of_request(std::source_location location) noexcept;

  /// As `open`, of a resource that was asked for at `place`.
  Record* open_from(Place place, const Resource& resource, const Notes& notes);

  /// As `open` without a parent, but if the tracker is closed, reports that and throws `std::logic_error`.
  Record* create(const Resource& resource, std::source_location location, const Notes& notes);

  /// The resource was closed. The second time, records a finding. Async-signal-safe the first time.
  void close(Record& record, std::source_location location) noexcept;

  /// The resource was given away: counts as closed, and the release is noted for the rule `untracked`.
  void release(Record& record, std::source_location location) noexcept;

  /// The record's tag ends: drops the resource if it is still open, and frees the record unless it must stay.
  void end_tag(Record& record) noexcept;

  /// The resource is about to be used. After it was closed, records a finding.
  void touch(Record& record, std::source_location location) noexcept;

  /// As `touch`, for a `location` in a library, which is called from a place of the user's that the stack tells.
  void touch_with_stack(Record& record, std::source_location location) noexcept;

  /// What `Tag::identify` does.
  void identify(Record& record, std::string_view name, int descriptor) const noexcept;

  /// What `Tag::identify_by_ends` does.
  void identify_by_ends(Record& record) const noexcept;

  /// Adds to `sum`, one of the two of the record's Extra.
  void add_bytes(Record& record, std::atomic<std::uint64_t> Extra::* sum, std::uint64_t bytes) const noexcept;

  /// The tracker that a record belongs to.
  static TrackerState& of(const Record& record) noexcept {
    return static_cast<TrackerState&>(Page::of(record).shard->tracker());
  }

  /// A resource was to be opened after the tracker was closed, and was refused: reports `opened-after-end`.
  void report_refused_open(const Resource& resource, std::source_location location, const Notes& notes) noexcept;

  /// The family in which the resource of `record` is the parent, made if there is none. Records a finding if the
  /// resource is closed already. Throws `std::bad_alloc`.
  Parent as_parent(Record& record, std::source_location location);

  /// What `Tracker`'s functions do: `verdict` is `close`, the others have the same names.
  Report verdict(Clock::duration settle);
  Report snapshot();
  Mark mark() const;
  Report report_since(const Mark& mark);
  void set_baseline();

  Level level() const noexcept { return level_.load(std::memory_order_relaxed); }
  void set_level(Level level) noexcept { level_.store(level, std::memory_order_relaxed); }

  std::size_t open_count() const noexcept;
  Counts counts() const;
  std::optional<Clock::duration> oldest();
  /// When the oldest resource was opened that is open and was not so at `set_baseline`. Reads all records.
  std::optional<Clock::time_point> find_oldest();
  Watches& watches() noexcept { return watches_; }
  const std::shared_ptr<Clock>& clock() const noexcept { return options_.clock; }
  bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  /// The copy of leash that made this tracker. Only that copy can work on it: its records hold numbers of that copy's
  /// depot.
  leash::detail::Copy& copy() const noexcept { return copy_; }
  /// Whether the calling code belongs to another copy.
  bool is_foreign() const noexcept { return &copy_ != &leash::detail::this_copy; }

  /// Throws `std::logic_error` if the calling code belongs to another copy, and says so once on standard error.
  void require_own_copy() const;

 private:
  friend void destroy(TrackerState* state) noexcept;
  ~TrackerState() = default;

  /// The shard from which the calling thread takes records, under a BiasedLock. Usually its own; that of the threads
  /// without an index if it has no index, or is in a signal handler that interrupted its work on its own.
  Shard& shard_for(ThisThread& thread);

  /// Pins each record that is open or has a finding marked, setting the bits `added_bits(state)` in its state too, and
  /// calls `function(record, state)` with the state from before.
  template <class AddedBits, class Function>
  void each_pinned(AddedBits added_bits, Function function);
  /// Frees a record. Destroys the tracker if that was what it lived for.
  void put_back(Record& record) noexcept;

  /// µs since the tracker began.
  [[gnu::always_inline]] std::uint64_t us_at(Clock::time_point time) const noexcept {
    const auto since = std::chrono::duration_cast<std::chrono::microseconds>(time - began_);
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, since.count()));
  }
  [[gnu::always_inline]] std::uint64_t now_us() const noexcept { return us_at(options_.clock->coarse_now()); }

  /// The place where a resource is opened, used or closed, as far as the level keeps it. `skip` frames of the caller's
  /// are left out of the stack.
  Place place_with_stack(Level level, std::source_location location, const ThisThread& thread, std::size_t skip,
                         Purpose purpose = Purpose::opening) noexcept;
  Place place_of_close(std::source_location location, const ThisThread& thread, std::size_t skip) const noexcept;
  static Place closed_at(const Record& record) noexcept;

  /// What a new record is filled with.
  struct RecordInit {
    std::uint32_t state;
    Place place;
    std::int32_t descriptor;
    std::uint64_t opened_and_kind;
    std::string_view name;
    const Notes* notes;  ///< Null for none.
  };
  static void fill_and_publish(Record& record, Shard& shard, const RecordInit& init, const ThisThread& thread) noexcept;

  /// Opens a record without a lock or an allocation, if it has no notes, no parent and a short name, and the thread's
  /// shard has a free one at hand. Else returns `slow_path(init)`.
  template <class SlowPath>
  Record* open_fast_or(const Resource& resource, std::source_location location, const Notes& notes, bool is_child,
                       SlowPath slow_path);
  /// Opens any record, under a BiasedLock. `open_slow` returns null if the tracker is closed, where `create_slow`
  /// throws.
  Record* open_slow(const RecordInit& init, const Parent* parent);
  /// The part of it under that lock.
  static Record& fill_slow(Shard& shard, const RecordInit& init, const Parent* parent, const ThisThread& thread);
  Record* create_slow(const Resource& resource, std::source_location location, const Notes& notes,
                      const RecordInit& init);

  /// The resource is dropped: its tag ends while it is open. Marks it as closed, and records what the drop lost; but if
  /// its OnDrop is `abandoned`, it stays open: returns false then, and the record must not be freed.
  bool drop(Record& record) noexcept;

  /// Changes the record's state from open to closed. False if it was not open; else `note_late_close_and_wake` must
  /// follow, unless there is nothing for it to do.
  static bool mark_closed(Record& record, Place place, const ThisThread& thread, std::uint32_t& state_before) noexcept;
  /// If the record was reported as leaked, stores when it was closed. Wakes the threads that wait in `verdict` until
  /// all is closed.
  void note_late_close_and_wake(Record& record, std::uint32_t state_before) noexcept;

  /// `close` once the place is known.
  void close_at(Record& record, Place place, const ThisThread& thread) noexcept;
  /// `close` where the place must be found first: the thread's cache has not got the site, or a stack is wanted.
  void close_uncached(Record& record, std::source_location location) noexcept;
  /// `close` of a resource that is closed already, and the use of one.
  void record_double_close(Record& record, Place place) noexcept;
  void record_use_after_close(Record& record, Place place) noexcept;
  /// The rest of `close` for a record that has children, or was reported, or that a thread in `verdict` waits for.
  void finish_unusual_close(Record& record, Place place, std::uint32_t state_before) noexcept;

  /// `end_tag` for every record; `end_tag` itself handles only one that is closed, and has nothing else to it.
  void end_unusual_tag(Record& record) noexcept;

  /// Keeps a finding for the verdict; after the verdict, reports it as late. It weighs as its rule says, but no more
  /// than `gravest`.
  void record_finding(Rule rule, Severity gravest, const Record& record, Place closed, Place again) noexcept;
  void record_finding(const Finding& finding, const Record& record) noexcept;

  /// The finding that this child is open, or was closed, after its parent was closed.
  Finding outlived_parent_finding(const Record& record) const noexcept;

  /// Records the findings that `close` only marked in the state of the record.
  void record_marked_findings(Record& record, std::uint32_t state) noexcept;

  /// Stores the site of the last use, and that it is now.
  void note_use(Record& record, Place place) const noexcept;

  /// Passes what was found after the verdict to `Options::on_late`, or prints the first such report.
  void report_late(const Findings& findings);
  void report_late(Report report);

  /// Waits until nothing is open but the baseline, or the tracker is closed, or `settle` has passed.
  void wait_until_closed(Clock::duration settle);
  /// Closes the tracker and makes the report of the verdict, to which suppressions are not applied yet. Under
  /// `judging_`.
  Report judge();
  std::size_t count_open_since_baseline() const noexcept;
  /// A report without groups, with what the options say about its text.
  Report empty_report() const;
  /// A report with the groups of these findings, and how many tags were created.
  Report report_on(const Findings& findings) const;
  /// Adds the groups of the rule `untracked`.
  void add_untracked(Report& report);

  leash::detail::Copy& copy_ = leash::detail::this_copy;
  /// Unique among all trackers that the process ever makes, in every copy of leash.
  const std::uint64_t id_;
  const Options options_;
  std::atomic<Level> level_;
  const std::size_t depth_;
  const Clock::time_point began_;
  /// If the rule `untracked` is on: the descriptors that were open when the tracker began, or at the last
  /// `set_baseline`.
  std::optional<os::DescriptorList> descriptors_at_start_;
  std::optional<ReleaseWatch> releases_;  ///< If the rule `untracked` is on.
  std::atomic<bool> closed_{false};
  std::atomic<std::uint32_t> settling_{0};               ///< How many threads are in `wait_until_closed`.
  std::atomic<bool> late_printed_{false};                ///< A late report went to standard error.
  std::atomic<std::uint64_t> closes_while_settling_{0};  ///< How many records were closed while threads were in there.
  os::EventCount wake_;                                  ///< What those threads wait on.
  std::atomic<std::uint64_t> without_stack_{0};          ///< How many tags got no stack.
  Shards shards_;
  Watches watches_;

  /// What `oldest` has found last, and when.
  struct Oldest {
    Clock::time_point looked_at;
    std::optional<Clock::time_point> opened;
  };
  os::Turn looking_;  ///< Guards `oldest_`.
  std::optional<Oldest> oldest_;

  os::Turn reading_;                            ///< Held by the thread that pins records.
  os::Turn judging_;                            ///< Guards the two reports below.
  std::unique_ptr<const Report> unsuppressed_;  ///< What `judge` returned, until `verdict_` is made of it.
  std::unique_ptr<const Report> verdict_;

  /// Guarded by `rare_paths`.
  bool judged_ = false;  ///< `findings_` went into the verdict: what is found from now on is late.
  Findings findings_;
};

/// The Error of an operation that would open a resource under a closed tracker.
Error tracker_closed_error(std::string_view operation, std::string_view subject, std::source_location site);

}  // namespace LEASH_NAMESPACE::track::detail
