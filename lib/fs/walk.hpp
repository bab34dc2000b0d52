#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/fs/dir_entry.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/function.hpp>
#include <leash/result.hpp>
#include <optional>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// What a visitor wants next.
enum class WalkNext : unsigned char {
  go_on,
  skip_directory,  ///< Not what is in this directory. The same as `go_on` for all else.
  stop,            ///< Nothing more. The walk is a success.
};

/// Called for each name that `walk` comes to. With an error it is called a second time for a directory that could not
/// be listed.
using WalkVisitor = Function<WalkNext(std::string_view path, const DirEntry& entry, const std::optional<Error>& error)>;

/// Calls `visit` for `root` and all that is below it: a directory before what is in it, names in the order of their
/// bytes. Symbolic links are visited and not followed, `root` included. Holds nothing open while it calls. Errors: that
/// of `lstat` for `root`, and that of a Context which is done before the end.
[[nodiscard]] Result<void> walk(Call call, FileSystem& files, std::string_view root, const WalkVisitor& visit);

// What a call without a Context is told.
Result<void> walk(NoContext, std::string_view, const WalkVisitor&);

}  // namespace LEASH_NAMESPACE::fs
