#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <leash/result.hpp>
#include <leash/track/report/explain.hpp>
#include <leash/track/report/format.hpp>
#include <string>

namespace LEASH_NAMESPACE::track {

/// How many results `sarif` writes at most: GitHub keeps no more of a run.
inline constexpr std::size_t most_sarif_results = 5000;

/// The groups as results of a run of SARIF 2.1.0 (OASIS), for code scanning. Notes and what is only open have the level
/// `note`. The stack of each event is a code flow, since what reads SARIF ignores its stacks; the fingerprint is that
/// of the group, so that an alert stays the same when lines move. Results beyond `most_sarif_results`, and groups that
/// `explain` left out, are told in a notification. A group without a place has the place `unknown:1`. Fails with
/// `function_not_supported` if leash was built without nlohmann-json.
[[nodiscard]] Result<std::string> sarif(const Explained& explained,
                                        const SourceRoot& root = SourceRoot::of_environment());

}  // namespace LEASH_NAMESPACE::track
