#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/notes.hpp>
#include <leash/track/detail/findings.hpp>
#include <leash/track/options.hpp>
#include <leash/track/report.hpp>
#include <leash/track/resource.hpp>
#include <leash/track/stack.hpp>
#include <mutex>
#include <optional>
#include <source_location>
#include <string>
#include <unordered_map>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

class TrackerState;
void destroy(TrackerState* state) noexcept;

/// What is known of one resource from its opening on. Its tag owns it, also after the resource was closed, so that
/// threads which use and close one handle at the same time find it there; the tracker owns it once there is no tag any
/// more.
class Record : public leash::detail::RefCounted {
 public:
  Record(leash::detail::Ref<TrackerState> state, const Resource& resource, std::source_location site, Notes notes,
         const Record* parent, Stack opened_at);

  const Kind kind;
  const std::string name;
  const int descriptor;
  const std::source_location site;
  const Notes notes;
  const std::string parent;  ///< The name of the resource that this one depends on, or empty.
  const Stack opened_at;
  const Clock::time_point opened;
  const unsigned thread;
  std::uint64_t serial = 0;  ///< Its place in the order of creation, given when it enters its tracker.

  std::atomic<OnDrop> on_drop;
  std::atomic<bool> failed{false};
  std::atomic<bool> closed{false};

  /// Two relaxed stores: a reader may see the site of one use with the time of another.
  std::atomic<std::source_location> used_site{std::source_location()};
  std::atomic<Clock::time_point> used{Clock::time_point::min()};

  /// The tracker it belongs to; null once the tracker alone owns it, or the two would own each other.
  leash::detail::Ref<TrackerState> state;
};

/// What all handles to one tracker share. Thread-safe.
class TrackerState : public leash::detail::RefCounted {
 public:
  explicit TrackerState(Options options);

  /// A record of a resource that was opened just now; null if the tracker is closed.
  leash::detail::Ref<Record> open(const Resource& resource, std::source_location site, const Notes& notes,
                                  const Record* parent);

  /// The record's resource was closed. Does nothing the second time.
  void close(Record& record) noexcept;

  /// The record's tag was destroyed.
  void drop(leash::detail::Ref<Record> record) noexcept;

  Report verdict();
  Report snapshot() const;

  std::size_t open_count() const noexcept;
  bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }
  const Clock& clock() const noexcept { return *options_.clock; }

 private:
  struct Dropped {
    leash::detail::Ref<Record> record;
    Severity severity;
    Clock::time_point when;
  };

  std::vector<Finding> findings(Severity of_open, Clock::time_point now) const;
  void forget(Record& record) noexcept;

  const Options options_;
  std::once_flag judged_;
  Report verdict_;
  std::atomic<bool> closed_{false};

  mutable std::mutex mutex_;
  std::uint64_t opened_ = 0;
  std::unordered_map<std::uint64_t, Record*> open_;
  std::vector<leash::detail::Ref<Record>> abandoned_;
  std::vector<Dropped> dropped_;
};

}  // namespace LEASH_NAMESPACE::track::detail
