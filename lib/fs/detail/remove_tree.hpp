#pragma once

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <string>

namespace LEASH_NAMESPACE::fs::detail {

/// Removes `name` in the directory `parent` with all that is below it. Follows no link. However deep the tree is, it
/// holds three descriptors at most and does not recurse. Succeeds if nothing is there. Stops at the first failure, or
/// when `context` is done, with its code.
[[nodiscard]] Outcome<void> remove_tree(int parent, const std::string& name, const Context& context);

}  // namespace LEASH_NAMESPACE::fs::detail
