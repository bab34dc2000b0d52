#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/fs/path_arg.hpp>
#include <leash/result.hpp>
#include <string>

namespace LEASH_NAMESPACE::fs {

/// Turns a path of the operating system, absolute or relative to the working directory, into the path of the same file
/// for a DiskFS that is rooted at `/`, with `Links::in_root`.
///
///     auto disk = leash::take(DiskFS::open_root(ctx, "/", {.links = Links::in_root}));
///     auto file = disk.open(ctx, leash::take(os_path(ctx, "../data.csv")));
///
/// The file need not exist. The part of `path` up to its last `..` must, and symbolic links in that part are followed
/// now (realpath(3)), since `link/..` is the directory above what `link` points to. Links after that part are followed
/// when the DiskFS opens the result. A slash at the end is dropped: the result may name a file, too.
///
/// Errors: `no_such_file_or_directory` for an empty path and for a working directory that was removed,
/// `invalid_argument` for a NUL, those of realpath(3), and `operation_canceled` or `timed_out` when the Context is
/// done.
[[nodiscard]] Result<std::string> os_path(Call call, PathArg path);

// What a call without a Context is told.
Result<std::string> os_path(NoContext);

}  // namespace LEASH_NAMESPACE::fs
