#pragma once

#include <leash/config.hpp>
#include <leash/track/report.hpp>
#include <leash/track/report/user_frames.hpp>
#include <string>

namespace LEASH_NAMESPACE::track::detail {

/// A line for `Suppressions` that silences this group.
std::string suggested_suppression(const Group& group, const Plumbing& plumbing);

}  // namespace LEASH_NAMESPACE::track::detail
