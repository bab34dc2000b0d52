#pragma once

#include <leash/config.hpp>
#include <leash/track/report.hpp>
#include <leash/track/suppressions.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// Takes out of `report` the groups that `suppressions` have a line for, and enters how often each line was used. Looks
/// names up where there is something to match, so no lock may be held.
void apply_suppressions(Report& report, const Suppressions& suppressions);

}  // namespace LEASH_NAMESPACE::track::detail
