#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/fs/path_arg.hpp>
#include <leash/result.hpp>

namespace LEASH_NAMESPACE::fs {

/// How a file is copied.
struct CopyOptions {
  bool overwrite = false;  ///< Replaces the content of a file that is at the target. Otherwise that is an error.
  bool sync = false;       ///< Waits until the target's content has reached the device.
};

/// Copies the content and the permission bits (not set-user-ID, set-group-ID and sticky) of a regular file, from any
/// file system to any, the same one included. Symbolic links are followed; a target that is a dangling link is not
/// created.
///
/// If both files have descriptors, the system copies between those (copy_file_range(2)), past `File::read` and `write`:
/// a decorator that changes or refuses what passes through it must have no `native_handle`. Holes may be filled. Of a
/// source that changes meanwhile, some old and some new content may be copied.
///
/// Errors: those of each step; `file_exists`, unless `overwrite` is set; `is_a_directory`; `invalid_argument` for what
/// is no regular file (where the system opens it at all), and for a target that is the source itself, which loses
/// nothing; `operation_canceled` or
/// `timed_out` when the Context is done before the end. A target that this has created is then removed (if that fails
/// too, the reason is among the causes); one that was there before may have a part of the new content.
[[nodiscard]] Result<void> copy_file(Call call, FileSystem& from_files, PathArg from, FileSystem& to_files, PathArg to,
                                     const CopyOptions& options = {});

// What a call without a Context is told.
Result<void> copy_file(NoContext, PathArg, FileSystem&, PathArg, const CopyOptions& = {});

}  // namespace LEASH_NAMESPACE::fs
