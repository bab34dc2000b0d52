#pragma once

#include <leash/config.hpp>
#include <leash/fs/detail/descriptor.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

/// How a path is kept below the root.
enum class Resolver : unsigned char {
  kernel,  ///< The kernel does it, in one step.
  walk,    ///< By hand, descriptor by descriptor, no step of which follows a link.
};

/// The kernel, if it can resolve paths beneath the directory `root`.
[[nodiscard]] Resolver best_resolver(int root);

/// Opens `path`, with the flags of open(2) and O_CLOEXEC, so that neither links nor a race with those who change the
/// tree lead out of the directory `root`: that is `errc::escapes_root`. The path is relative; it may be anything else
/// that a link may hold.
[[nodiscard]] Outcome<Descriptor> open_beneath(int root, std::string_view path, int flags, unsigned mode,
                                               Resolver resolver);

}  // namespace LEASH_NAMESPACE::fs::detail
