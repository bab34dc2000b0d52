#pragma once

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <leash/fs/links.hpp>
#include <leash/os/descriptor.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

/// How a path is looked up without leaving the root.
enum class PathLookup : unsigned char {
  kernel,  ///< By one openat2(2) with RESOLVE_BENEATH or RESOLVE_IN_ROOT.
  walk,    ///< By an openat(2) for each element, none of which follows a link.
};

/// A directory that no path leads out of.
struct Root {
  os::Descriptor directory;
  Links links = Links::beneath;
  PathLookup lookup = PathLookup::walk;
};

/// `PathLookup::kernel` if openat2(2) works for the directory `root`, else `PathLookup::walk`.
[[nodiscard]] PathLookup best_lookup(int root);

/// Opens `path` with the flags of open(2), to which O_CLOEXEC is added. Neither a symbolic link nor a rename by someone
/// else at the same time makes it open something outside of the root: a link that leads out is treated as `root.links`
/// says. `path` is relative; otherwise it may be anything that the target of a link may be, with `..` and further
/// slashes.
///
/// Fails with the code of `context` when that is done; a walk checks it before each element. A walk of more than 65,536
/// elements, those of links included, fails with `too_many_symbolic_link_levels`. A walk holds up to 18 descriptors at
/// a time; where the process may not have so many, it makes do with two.
[[nodiscard]] Outcome<os::Descriptor> open_beneath(const Root& root, const Context& context, std::string_view path,
                                                   int flags, unsigned mode = 0);

}  // namespace LEASH_NAMESPACE::fs::detail
