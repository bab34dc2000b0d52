#pragma once

#include <array>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/report.hpp>
#include <leash/track/store/record.hpp>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// The place as a report shows it.
Event event_at(Place place);

/// What is wrong with the resource of a record, as far as the record does not know it.
struct Finding {
  Rule rule = Rule::leaked;
  Severity severity = Severity::failure;
  Place closed = {};
  Place again = {};
  std::uint64_t now_us = 0;  ///< When it was found, on the scale of the records.
};

/// Collects findings into groups of equal ones: of ten million, it keeps a few of each place. Not thread-safe.
class Findings {
 public:
  /// `record` must stay as it is during the call.
  void add(const Finding& finding, const Record& record);

  bool empty() const noexcept { return groups_.empty(); }

  /// How many resources are in all groups.
  std::uint64_t resources() const noexcept { return resources_; }

  /// The groups in the order of a Report.
  std::vector<Group> groups() const;

 private:
  /// Creation order: threads do not share a counter, so what they made in the same moment goes by their own.
  struct Order {
    std::uint64_t opened_us = 0;
    std::uint32_t serial = 0;
    std::uint32_t thread = 0;
    friend auto operator<=>(const Order&, const Order&) = default;
  };

  struct Key {
    std::uint32_t opened_at = 0;
    std::uint32_t closed = 0;
    std::uint32_t again = 0;
    std::uint16_t kind = 0;
    Rule rule = Rule::leaked;
    Severity severity = Severity::failure;
    friend bool operator==(const Key&, const Key&) = default;
  };

  struct Entry {
    Key key;
    std::uint64_t count = 0;
    std::uint64_t min_age_us = 0;
    std::uint64_t max_age_us = 0;
    std::vector<std::uint32_t> threads = {};
    /// The first ones in the order of creation, sorted.
    std::array<Order, Group::max_instances> orders = {};
    std::vector<Instance> instances = {};
  };

  static std::size_t hash(const Key& key) noexcept;
  Entry& entry_for(const Key& key);
  void grow();
  static void add_instance(Entry& entry, const Order& order, const Finding& finding, const Record& record);

  std::vector<Entry> groups_;
  /// Open addressing: positions in `groups_` plus 1, 0 for none.
  std::vector<std::uint32_t> index_;
  std::uint64_t resources_ = 0;
};

}  // namespace LEASH_NAMESPACE::track::detail
