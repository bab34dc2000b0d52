#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/fs/dir_entry.hpp>
#include <leash/fs/file_info.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/fs/path_arg.hpp>
#include <leash/function.hpp>
#include <leash/result.hpp>
#include <optional>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// What the visitor tells `walk` to do next.
enum class WalkNext : unsigned char {
  go_on,
  skip_directory,  ///< Do not enter this directory. For an entry that is no directory the same as `go_on`.
  stop,            ///< End the walk, which then returns success.
};

/// Called once for each name that `walk` comes to, with no error. If a directory cannot be listed, it is called a
/// second time for that directory, with the error; `walk` then goes on with the next name, unless it returns `stop`.
/// The path and the entry are valid during the call.
using WalkVisitor = Function<WalkNext(std::string_view path, const DirEntry& entry, const std::optional<Error>& error)>;

/// The same for `walk_info`.
using WalkInfoVisitor =
    Function<WalkNext(std::string_view path, const FileInfo& info, const std::optional<Error>& error)>;

/// Calls `visit` for `root` and all that is below it: for a directory before what is in it, and within a directory in
/// the order of the names' bytes. Symbolic links are visited but not followed, even if `root` is one. No handle is open
/// during a call of `visit`. Errors: those of `lstat` for `root`, and `operation_canceled` or `timed_out` when the
/// Context is done before the end.
[[nodiscard]] Result<void> walk(Call call, FileSystem& files, PathArg root, const WalkVisitor& visit);

/// The same with the information of `lstat` on each name, which `FileSystem::read_dir_info` gives for less than an
/// `lstat` for each.
[[nodiscard]] Result<void> walk_info(Call call, FileSystem& files, PathArg root, const WalkInfoVisitor& visit);

// What a call without a Context is told.
Result<void> walk(NoContext, PathArg, const WalkVisitor&);
Result<void> walk_info(NoContext, PathArg, const WalkInfoVisitor&);

}  // namespace LEASH_NAMESPACE::fs
