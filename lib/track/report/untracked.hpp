#pragma once

#include <functional>
#include <leash/config.hpp>
#include <leash/os/open_descriptors.hpp>
#include <leash/track/report.hpp>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// The findings of the rule `untracked`: descriptors that are open, are not in the list `at_start`, do not belong to
/// leash (for its own use or for a handle with a tag), and are not in the list that `tagged` returns. Equal ones are
/// grouped; the largest group comes first.
///
/// `tagged` is called several times. It returns the descriptors that the tracker has tags of at that moment, ascending.
///
/// A descriptor that leash opens, closes or gives away during the call is not reported by mistake: the function looks
/// at each suspect twice. In between it waits until the calls of leash that were opening a descriptor have ended, but
/// not for more than a second in all.
std::vector<Group> untracked_groups(const os::DescriptorList& at_start, const std::function<std::vector<int>()>& tagged,
                                    Severity severity);

}  // namespace LEASH_NAMESPACE::track::detail
