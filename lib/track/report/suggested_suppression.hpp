#pragma once

#include <leash/config.hpp>
#include <leash/track/report.hpp>
#include <leash/track/report/user_frames.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// A kind as a line for `Suppressions` names it: in quotes if need be, or `*` if it is empty or no line can name it.
std::string kind_word(std::string_view kind);

/// A line for `Suppressions` that leaves out this group: "leaked connection top:svc::load". Escaped, so it can be
/// printed as it is. `plumbing` is that of the report.
std::string suggested_suppression(const Group& group, const Plumbing& plumbing);

}  // namespace LEASH_NAMESPACE::track::detail
