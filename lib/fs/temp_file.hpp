#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/fs/detail/temp_entry.hpp>
#include <leash/fs/path_arg.hpp>
#include <leash/fwd.hpp>
#include <leash/result.hpp>
#include <memory>
#include <source_location>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

namespace detail {
class TempHandle;
}

/// A file, open for reading and writing, that is removed when this ends. Move-only; one that was moved from may only be
/// assigned to or destroyed. The file system must outlive it. One thread at a time, but for what `File` allows.
///
/// If the Context that it was created with carries a tracker, it has a tag: one that lives longer than the test is
/// `leaked`, and one whose destructor cannot remove it is `dropped`. Without a tracker only `remove` tells. A file that
/// nobody else is to open by its name is better opened with `OpenOptions::unnamed`.
class [[nodiscard]] TempFile {
 public:
  TempFile(TempFile&& other) noexcept;
  TempFile& operator=(TempFile&& other) noexcept;
  ~TempFile();

  /// The open file; closed, after `remove` or its own `close`. Need not be closed, unless it is kept.
  File& file() noexcept LEASH_LIFETIMEBOUND;

  /// The path of the file. The view is valid until this is moved or destroyed.
  std::string_view path() const noexcept LEASH_LIFETIMEBOUND { return entry_.path(); }

  /// Closes the file, whatever that says, and removes it, though the Context that it was created with may be done.
  /// Succeeds if it is gone already, and does nothing after `keep`. Errors: those of `FileSystem::remove`; the
  /// destructor tries once more then.
  [[nodiscard]] Result<void> remove(std::source_location site = std::source_location::current());

  /// Leaves the file where it is: it is not removed any more. It stays open; if it was written, close it. Does nothing
  /// after `remove` or `keep`.
  void keep(std::source_location site = std::source_location::current()) noexcept { entry_.keep(site); }

 private:
  friend Result<TempFile> temp_file(Call call, FileSystem& files, PathArg directory, std::string_view prefix);

  TempFile(std::unique_ptr<detail::TempHandle> handle, detail::TempEntry entry) noexcept;

  void close_unless_kept(std::source_location site) noexcept;

  std::unique_ptr<detail::TempHandle> handle_;
  detail::TempEntry entry_;
};

/// Creates a file in `directory`, which must exist, for the caller's user alone (mode 0600). Its name is `prefix` and
/// 20 random letters and digits, which nobody can guess. Errors: those of `open`; `invalid_argument` for a prefix with
/// a slash or NUL; `track::errc::tracker_closed`, and nothing is left then.
[[nodiscard]] Result<TempFile> temp_file(Call call, FileSystem& files, PathArg directory = ".",
                                         std::string_view prefix = "tmp-");

// What a call without a Context is told.
Result<TempFile> temp_file(NoContext, PathArg = ".", std::string_view = {});

}  // namespace LEASH_NAMESPACE::fs
