#pragma once

#include <leash/config.hpp>
#include <leash/track/report.hpp>
#include <leash/track/suppressions.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// Removes from `report.groups` those that a line of `suppressions` matches, and appends all lines to
/// `report.suppressions`, each with the number of groups and resources that it removed. Looks up function names
/// (`resolve`), so the caller must not hold a lock.
void apply_suppressions(Report& report, const Suppressions& suppressions);

}  // namespace LEASH_NAMESPACE::track::detail
