#pragma once

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <string>

namespace LEASH_NAMESPACE::fs::detail {

/// Removes `name` in the directory `parent` with all that is below it. Follows no link, holds a few descriptors
/// whatever the depth, and needs no deep stack. Success if nothing is there. Stops at the first failure, or with the
/// code of `context` when that is done.
[[nodiscard]] Outcome<void> remove_tree(int parent, const std::string& name, const Context& context);

}  // namespace LEASH_NAMESPACE::fs::detail
