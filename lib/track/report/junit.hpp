#pragma once

#include <leash/config.hpp>
#include <leash/track/report/explain.hpp>
#include <leash/track/report/format.hpp>
#include <string>

namespace LEASH_NAMESPACE::track {

/// The groups as test cases of a JUnit file, as Jenkins and GitLab read it: failures with the text of the group as the
/// body, notes as skipped ones. A report without groups is one case that passes. What `explain` left out is told in
/// `system-out`.
[[nodiscard]] std::string junit(const Explained& explained, const SourceRoot& root = SourceRoot::of_environment());

}  // namespace LEASH_NAMESPACE::track
