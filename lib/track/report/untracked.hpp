#pragma once

#include <functional>
#include <leash/config.hpp>
#include <leash/os/open_descriptors.hpp>
#include <leash/track/report.hpp>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// What the rule `untracked` finds: the descriptors that are open, but were not `at_start`, that leash does not have
/// for itself or with a tag of some tracker, and that are none of those that `tagged()` lists now, in order. Groups of
/// equal ones, the largest first.
///
/// One that leash opens, closes or gives away during the call is not accused, whatever the moment: each suspect is
/// looked at twice, with a wait in between until all calls of leash's that were under way then have gone on.
std::vector<Group> untracked_groups(const os::DescriptorList& at_start, const std::function<std::vector<int>()>& tagged,
                                    Severity severity);

}  // namespace LEASH_NAMESPACE::track::detail
