#pragma once

#include <leash/config.hpp>
#include <leash/track/report/explain.hpp>
#include <string>

namespace LEASH_NAMESPACE::track {

/// The stacks that opened what the groups have, one in a line with its count, as flamegraph.pl and speedscope read
/// them: `main;app::Loader::open 312`. The outermost function comes first; `_[i]` marks one that is inlined into the
/// one before it. Equal stacks are one line. Of a group without a stack the place stands in its stead. What `explain`
/// left out is a line too: `[not shown] 12`.
[[nodiscard]] std::string folded(const Explained& explained);

}  // namespace LEASH_NAMESPACE::track
