#pragma once

#include <leash/config.hpp>
#include <leash/track/report/explain.hpp>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// Sets the fingerprint of each group (see `Explained::Group::fingerprint`). Those that would be equal are told apart
/// by their order in the source.
void set_fingerprints(std::vector<Explained::Group>& groups);

}  // namespace LEASH_NAMESPACE::track::detail
