#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/fs/detail/temp_entry.hpp>
#include <leash/fs/path_arg.hpp>
#include <leash/fwd.hpp>
#include <leash/result.hpp>
#include <source_location>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::fs {

/// A directory that is removed, with all that is in it, when this ends. Move-only; one that was moved from may only be
/// assigned to or destroyed. The file system must outlive it. One thread at a time.
///
/// If the Context that it was created with carries a tracker, it has a tag: one that lives longer than the test is
/// `leaked`, and one whose destructor cannot remove it is `dropped`. Without a tracker only `remove` tells.
class [[nodiscard]] TempDir {
 public:
  /// The path of the directory. The view is valid until this is moved or destroyed.
  std::string_view path() const noexcept LEASH_LIFETIMEBOUND { return entry_.path(); }

  /// Removes the directory and all that is in it, though the Context that it was created with may be done. Succeeds if
  /// it is gone already, and does nothing after `keep`. Errors: those of `FileSystem::remove_all`; a part may be gone
  /// then, and the destructor tries once more.
  [[nodiscard]] Result<void> remove(std::source_location site = std::source_location::current()) {
    return entry_.remove(site);
  }

  /// Leaves the directory where it is: it is not removed any more. Does nothing after `remove` or `keep`.
  void keep(std::source_location site = std::source_location::current()) noexcept { entry_.keep(site); }

 private:
  friend Result<TempDir> temp_dir(Call call, FileSystem& files, PathArg directory, std::string_view prefix);

  explicit TempDir(detail::TempEntry entry) noexcept : entry_(std::move(entry)) {}

  detail::TempEntry entry_;
};

/// Creates a directory in `directory`, which must exist, for the caller's user alone (mode 0700). Its name is `prefix`
/// and 20 random letters and digits, which nobody can guess. Errors: those of `mkdir`; `invalid_argument` for a prefix
/// with a slash or NUL; `track::errc::tracker_closed`, and nothing is left then.
[[nodiscard]] Result<TempDir> temp_dir(Call call, FileSystem& files, PathArg directory = ".",
                                       std::string_view prefix = "tmp-");

// What a call without a Context is told.
Result<TempDir> temp_dir(NoContext, PathArg = ".", std::string_view = {});

}  // namespace LEASH_NAMESPACE::fs
