#pragma once

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <string>

namespace LEASH_NAMESPACE::fs::detail {

/// Removes `name` in the directory `parent` with all that is below it. Follows no link. However deep the tree is, it
/// holds three descriptors at most and does not recurse. Succeeds if nothing is there. Stops at the first failure, or
/// when `context` is done, with its code.
///
/// Others may change the tree meanwhile. What they remove or rename is no failure. A directory that they have put
/// something in is emptied again. Where they have moved the directory that is being emptied, it begins again at `name`,
/// and what was moved out of there stays as it is by then. After 1000 such retries it fails, with the last error:
/// `directory_not_empty`, mostly.
[[nodiscard]] Outcome<void> remove_tree(int parent, const std::string& name, const Context& context);

}  // namespace LEASH_NAMESPACE::fs::detail
