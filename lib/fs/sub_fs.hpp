#pragma once

#include <leash/config.hpp>
#include <leash/fs/hooked_file_system.hpp>
#include <leash/fs/path_arg.hpp>
#include <string>

namespace LEASH_NAMESPACE::fs {

/// A file system whose root is a directory of another one: `a/b` in it is `directory/a/b` there.
///
///     SubFS logs(files, "var/logs");
///     auto file = logs.open(ctx, "today.txt");
///
/// Errors, and `path()` of the handles, name the path in the inner file system. Handles are those of the inner file
/// system themselves. The root of this file system cannot be removed or renamed through it, as no root can; `mkdir_all`
/// of `.` makes the directory if it is missing.
///
/// It is no boundary: links mean what they mean in the inner file system, and may lead out of the directory. For a
/// boundary open a `DiskFS` there.
class SubFS final : public HookedFileSystem {
 public:
  /// The directory need not exist yet: while it does not, operations fail with `no_such_file_or_directory`. Throws
  /// `std::logic_error` if `directory` is not a `valid_path`.
  SubFS(FileSystem& inner, PathArg directory);

  const std::string& directory() const noexcept LEASH_LIFETIMEBOUND { return directory_; }

 protected:
  Result<void> around(Operation& operation, Next next) override;

 private:
  const std::string directory_;
};

}  // namespace LEASH_NAMESPACE::fs
