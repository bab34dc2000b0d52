#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/report/explain.hpp>
#include <string>

// What the writers of formats have in common.

namespace LEASH_NAMESPACE::track::detail {

/// Whether the report is not ok for this group.
inline bool is_failure(const Explained::Group& group) noexcept {
  return group.severity == Severity::failure && group.finding;
}

/// The event in which the resources of `group` were opened; null if it has none.
const Explained::Event* opening_of(const Explained::Group& group LEASH_LIFETIMEBOUND) noexcept;

/// `file:line` of the group, or what it is if that is not known: "connection".
std::string place_name(const Explained::Group& group);

/// What a frame is called where only a name is shown: its function, else its place in its module.
std::string frame_name(const Explained::Frame& frame);

/// What to tell of groups that a report, or a writer, leaves out: "12 of 32 groups are not shown: …". Empty if `shown`
/// are all.
std::string left_out(std::uint64_t shown, const Explained& explained);

}  // namespace LEASH_NAMESPACE::track::detail
