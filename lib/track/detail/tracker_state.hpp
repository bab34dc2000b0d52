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
#include <leash/track/mark.hpp>
#include <leash/track/options.hpp>
#include <leash/track/report.hpp>
#include <leash/track/report/findings.hpp>
#include <leash/track/resource.hpp>
#include <leash/track/store/releases.hpp>
#include <leash/track/store/shards.hpp>
#include <memory>
#include <optional>
#include <source_location>

namespace LEASH_NAMESPACE::track::detail {

/// What all handles to one tracker share. Thread-safe. Lives until there is no handle and no tag of it any more.
class TrackerState : public Lifetime, public leash::detail::RefCounted {
 public:
  explicit TrackerState(Options options);

  /// The last handle is gone: destroys the tracker, or leaves that to its last tag.
  void let_go() noexcept;

  /// A record of a resource that was opened just now, by the caller's caller; null if the tracker is closed.
  Record* open(const Resource& resource, std::source_location location, const Notes& notes, Family* parent);

  /// The same, but where the tracker is closed, that is a finding, and throws `std::logic_error`.
  Record* create(const Resource& resource, std::source_location location, const Notes& notes);

  /// The resource was closed. The second time it is a finding.
  void close(Record& record, std::source_location location) noexcept;

  /// The resource was given away, and so counts as closed.
  void release(Record& record, std::source_location location) noexcept;

  /// The record's tag ends.
  void end_tag(Record& record) noexcept;

  /// The resource is to be used.
  void touch(Record& record, std::source_location location) noexcept;

  static TrackerState& of(const Record& record) noexcept {
    return static_cast<TrackerState&>(Page::of(record).shard->tracker());
  }

  /// Someone tried to open something after the end.
  void refuse(const Resource& resource, std::source_location location, const Notes& notes) noexcept;

  /// The family of those that depend on `record`. Throws `std::bad_alloc`.
  leash::detail::Ref<Family> add_child(Record& record, std::source_location location);

  Report verdict(Clock::duration settle);
  Report snapshot();
  Mark mark() const;
  Report report_since(const Mark& mark);
  void set_baseline();

  Level level() const noexcept { return level_.load(std::memory_order_relaxed); }
  void set_level(Level level) noexcept { level_.store(level, std::memory_order_relaxed); }

  std::size_t open_count() const noexcept;
  bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  /// The copy of leash that made it, which alone can work on it: numbers in its records are of tables of that copy.
  leash::detail::Copy& copy() const noexcept { return copy_; }
  bool is_foreign() const noexcept { return &copy_ != &leash::detail::this_copy; }

  /// Throws `std::logic_error` if that is not the one that asks.
  void check_copy() const;

 private:
  friend void destroy(TrackerState* state) noexcept;
  ~TrackerState() = default;

  /// The shard that the calling thread takes records from, if it takes a Turn.
  Shard& shard_of(ThisThread& thread);

  /// Calls `function(record, state)` for each record that is open or has a finding marked, pinned, after `mark(state)`
  /// was added to its state.
  template <class Mark, class Function>
  void each_pinned(Mark mark, Function function);
  void put_back(Record& record) noexcept;

  /// µs since the tracker began.
  [[gnu::always_inline]] std::uint64_t us_at(Clock::time_point time) const noexcept {
    const auto since = std::chrono::duration_cast<std::chrono::microseconds>(time - began_);
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, since.count()));
  }
  [[gnu::always_inline]] std::uint64_t now_us() const noexcept { return us_at(options_.clock->coarse_now()); }

  Place place_of_call(Level level, std::source_location location, const ThisThread& thread, std::size_t skip) noexcept;
  Place place_of_close(std::source_location location, const ThisThread& thread, std::size_t skip) const noexcept;
  static Place closed_at(const Record& record) noexcept;

  /// What is kept of a resource that was opened.
  struct Opening {
    std::uint32_t state;
    Place place;
    std::int32_t descriptor;
    std::uint64_t opened_and_kind;
    std::string_view name;
    const Notes* notes;  ///< Null for none.
  };
  static void begin(Record& record, Shard& shard, const Opening& opening, const ThisThread& thread) noexcept;

  /// A record as most are, from memory that is at hand; `otherwise(opening)` gives the others.
  template <class Otherwise>
  Record* open_or(const Resource& resource, std::source_location location, const Notes& notes, bool is_child,
                  Otherwise otherwise);
  Record* open_in_turn(const Opening& opening, Family* parent);
  Record* create_in_turn(const Resource& resource, std::source_location location, const Notes& notes,
                         const Opening& opening);

  /// Destroys what is still open. False if the record stays.
  bool drop(Record& record) noexcept;

  /// Open to closed. False if it was not open; else `after_end` must be called.
  static bool end(Record& record, Place place, const ThisThread& thread, std::uint32_t& state_before) noexcept;
  void after_end(Record& record, std::uint32_t state_before) noexcept;

  /// `close` once the place is known; with all that may be needed to find it; the second time; and what it brings with
  /// it where somebody waits for it, or depends on the resource, or was told that it leaked.
  void close_at(Record& record, Place place, const ThisThread& thread) noexcept;
  void close_anywhere(Record& record, std::source_location location) noexcept;
  void close_again(Record& record, Place place) noexcept;
  void after_close(Record& record, Place place, std::uint32_t state_before) noexcept;

  /// `end_tag` in every case that there is.
  void end_unusual_tag(Record& record) noexcept;

  /// Takes a finding down, no worse than `most`; after the verdict tells it.
  void find(Rule rule, Severity most, const Record& record, Place closed, Place again) noexcept;
  void find(const Finding& finding, const Record& record) noexcept;

  /// That this child is open, or was closed, after its parent.
  Finding outlived(const Record& record) const noexcept;

  /// The findings that `close` marked.
  void tell_marked(Record& record, std::uint32_t state) noexcept;

  void note_use(Record& record, std::uint32_t site) const noexcept;

  void tell_late(const Findings& findings);
  void tell_late(Report report);

  void wait_until_closed(Clock::duration settle);
  Report judge();
  std::size_t count_awaited() const noexcept;
  /// An empty one, with what the options say of how it is told.
  Report new_report() const;
  Report report_on(const Findings& findings) const;
  void add_untracked(Report& report);

  leash::detail::Copy& copy_ = leash::detail::this_copy;
  /// No other tracker of the process has it, nor will, whichever copy of leash it is of.
  const std::uint64_t id_;
  const Options options_;
  std::atomic<Level> level_;
  const std::size_t depth_;
  const Clock::time_point began_;
  std::optional<os::DescriptorList> descriptors_at_start_;
  std::optional<ReleaseWatch> releases_;
  std::atomic<bool> closed_{false};
  std::atomic<std::uint32_t> settling_{0};  ///< How many wait until all is closed.
  std::atomic<bool> told_late_{false};
  std::atomic<std::uint64_t> closes_while_settling_{0};
  os::EventCount wake_;
  std::atomic<std::uint64_t> without_stack_{0};
  Shards shards_;

  os::Turn reading_;  ///< Who pins records holds it.
  os::Turn judging_;
  std::unique_ptr<const Report> unsuppressed_;  ///< What was judged, until the suppressions were applied to it.
  std::unique_ptr<const Report> verdict_;

  /// Under `rare_paths`.
  bool judged_ = false;  ///< `findings_` went into the verdict.
  Findings findings_;
};

/// What an operation on a resource fails with when the tracker is closed.
Error tracker_closed_error(std::string_view operation, std::string_view subject, std::source_location site);

}  // namespace LEASH_NAMESPACE::track::detail
