#pragma once

#include <array>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/report.hpp>
#include <leash/track/store/record.hpp>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// The site and the stack of `place`, copied from the depot.
Event event_at(Place place);

/// What is wrong with a resource: all that its Record does not say.
struct Finding {
  Rule rule = Rule::leaked;
  Severity severity = Severity::failure;
  Place closed = {};         ///< As `Group::closed`.
  Place again = {};          ///< As `Group::again`.
  std::uint64_t now_us = 0;  ///< When it happened, up to which the resource's age counts: µs after the tracker began.
};

/// Collects findings into groups of equal ones. Of each group it keeps the count and a few instances, so the memory it
/// takes depends on the number of groups, not on the number of findings. Not thread-safe.
class Findings {
 public:
  /// Adds the finding on the resource of `record`, which must not change during the call. Throws `std::bad_alloc`.
  void add(const Finding& finding, const Record& record);

  bool empty() const noexcept { return entries_.empty(); }

  /// How many resources are in all groups together.
  std::uint64_t resources() const noexcept { return resources_; }

  /// The groups in the order that a Report has them in.
  std::vector<Group> groups() const;

 private:
  /// Orders resources by creation: by time; within one microsecond by `Record::serial`, which each shard counts for
  /// itself; then by thread.
  struct Order {
    std::uint64_t opened_us = 0;
    std::uint32_t serial = 0;
    std::uint32_t thread = 0;
    friend auto operator<=>(const Order&, const Order&) = default;
  };

  /// Findings with equal keys are one group. The places are the bits of a Place.
  struct Key {
    std::uint32_t opened_at = 0;
    std::uint32_t closed = 0;
    std::uint32_t again = 0;
    std::uint16_t kind = 0;  ///< The number of the kind in the depot.
    Rule rule = Rule::leaked;
    Severity severity = Severity::failure;
    friend bool operator==(const Key&, const Key&) = default;
  };

  /// A group, while findings are added to it.
  struct Entry {
    Key key;
    std::uint64_t count = 0;
    std::uint64_t min_age_us = 0;
    std::uint64_t max_age_us = 0;
    std::uint64_t total_age_us = 0;
    std::vector<std::uint32_t> threads = {};  ///< Those that opened the resources, ascending.
    /// The Order of each of `instances`; the elements behind `instances.size()` are not in use.
    std::array<Order, Group::max_instances> orders = {};
    std::vector<Instance> instances = {};  ///< The first resources in the order of creation, sorted.
  };

  static std::size_t hash(const Key& key) noexcept;
  /// The entry with this key, added if there is none.
  Entry& entry_for(const Key& key);
  /// Makes `index_` larger, twice its size or 16.
  void grow_index();
  /// Adds the resource of `record` to the instances if it is one of the first.
  static void add_instance(Entry& entry, const Order& order, const Finding& finding, const Record& record);

  std::vector<Entry> entries_;
  /// A hash table with open addressing: each slot holds a position in `entries_` plus 1, or 0 if it is empty. The size
  /// is a power of two.
  std::vector<std::uint32_t> index_;
  std::uint64_t resources_ = 0;
};

/// Puts groups in the order of `Report::groups`, if those of equal severity and count are in theirs.
void sort_groups(std::vector<Group>& groups);

}  // namespace LEASH_NAMESPACE::track::detail
