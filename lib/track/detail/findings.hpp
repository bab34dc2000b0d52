#pragma once

#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/track/report.hpp>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

class Record;
void destroy(const Record* record) noexcept;

/// One resource with which something is wrong.
struct Finding {
  leash::detail::Ref<const Record> record;
  Rule rule = Rule::leaked;
  Severity severity = Severity::failure;
  Clock::duration age{};
  Clock::time_point seen;  ///< When it was found: what "ago" counts from.
};

/// Groups `findings` for a report, and orders the groups.
std::vector<Group> group(std::vector<Finding> findings);

}  // namespace LEASH_NAMESPACE::track::detail
