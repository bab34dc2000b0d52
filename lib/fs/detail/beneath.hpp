#pragma once

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <leash/fs/links.hpp>
#include <leash/os/descriptor.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

/// How a path is kept below the root.
enum class Resolver : unsigned char {
  kernel,  ///< The kernel does it, in one step.
  walk,    ///< By hand, descriptor by descriptor, no step of which follows a link.
};

/// A directory that no path leads out of.
struct Root {
  os::Descriptor directory;
  Links links = Links::beneath;
  Resolver resolver = Resolver::walk;
};

/// The kernel, if it can resolve paths beneath the directory `root`.
[[nodiscard]] Resolver best_resolver(int root);

/// Opens `path`, with the flags of open(2) and O_CLOEXEC, so that neither links nor a race with those who change the
/// tree lead out of the root: what its `links` refuse is `errc::escapes_root`. The path is relative; it may be anything
/// else that a link may hold.
///
/// A walk asks `context` before each step, and fails with its code when it is done. It is bounded: 65,536 steps, then
/// it is `too_many_symbolic_link_levels`. It holds up to 18 descriptors at a time, and two where there are no more.
[[nodiscard]] Outcome<os::Descriptor> open_beneath(const Root& root, const Context& context, std::string_view path,
                                                   int flags, unsigned mode = 0);

}  // namespace LEASH_NAMESPACE::fs::detail
