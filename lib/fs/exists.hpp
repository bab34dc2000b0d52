#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/fs/path_arg.hpp>
#include <leash/result.hpp>

namespace LEASH_NAMESPACE::fs {

/// Whether there is a file, a directory or something else at `path`. Symbolic links are followed, so one that points to
/// nothing does not exist. By the time the answer is there, others may have changed what it is about: to create what is
/// missing, open it with `OpenOptions::exclusive`. Errors: those of `stat`, but for `no_such_file_or_directory` and
/// `not_a_directory`, which mean `false`.
[[nodiscard]] Result<bool> exists(Call call, FileSystem& files, PathArg path);

// What a call without a Context is told.
Result<bool> exists(NoContext, PathArg);

}  // namespace LEASH_NAMESPACE::fs
