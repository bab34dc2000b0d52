#pragma once

#include <leash/config.hpp>
#include <leash/track/report/explain.hpp>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// Sets `Explained::Group::fingerprint` in each group. `Frame::lines` must be filled in. Groups with equal hashes get
/// consecutive numbers, in the order of their lines.
void set_fingerprints(std::vector<Explained::Group>& groups);

}  // namespace LEASH_NAMESPACE::track::detail
