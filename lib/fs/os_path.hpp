#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/result.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// What the operating system calls `path`, absolute or relative to the working directory, as a path below `/`: for a
/// DiskFS that is rooted there, with `Links::in_root`.
///
///     auto disk = leash::take(DiskFS::open_root(ctx, "/", {.links = Links::in_root}));
///     auto file = disk.open(ctx, leash::take(os_path(ctx, "../data.csv")));
///
/// The file need not exist. What comes before a `..` must, and its links are followed (realpath(3)), as the system
/// does: `link/..` is the directory above what `link` points to. All other links are left for the DiskFS to follow. A
/// slash at the end is dropped, and with it the demand for a directory.
///
/// Errors: `no_such_file_or_directory` for an empty path and for a working directory that is gone, `invalid_argument`
/// for a NUL, what realpath(3) says, and that of a Context which is done.
[[nodiscard]] Result<std::string> os_path(Call call, std::string_view path);

// What a call without a Context is told.
Result<std::string> os_path(NoContext);

}  // namespace LEASH_NAMESPACE::fs
