#pragma once

#include <cstdint>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/fs/file_lock.hpp>
#include <leash/fs/mapping.hpp>
#include <leash/fs/open_options.hpp>
#include <leash/result.hpp>
#include <source_location>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// The operations of FileSystem, and those of its handles: File, Dir and Mapping.
enum class OperationKind : unsigned char {
  open,
  open_dir,
  stat,
  lstat,
  read_dir,
  read_dir_info,
  mkdir,
  mkdir_all,
  remove,
  remove_file,
  remove_dir,
  remove_all,
  rename,
  link,
  symlink,
  read_link,
  chmod,
  set_times,
  truncate,
  sync_dir,
  space,
  file_read,
  file_write,
  file_read_at,
  file_write_at,
  file_seek,
  file_truncate,
  file_allocate,
  file_sync,
  file_sync_data,
  file_stat,
  file_chmod,
  file_set_times,
  file_try_lock,
  file_lock,
  file_unlock,
  file_map,
  file_release,
  file_close,
  dir_read,
  dir_stat,
  dir_close,
  mapping_sync,
  mapping_close,
};

/// How many values OperationKind has.
inline constexpr std::size_t operation_kinds = static_cast<std::size_t>(OperationKind::mapping_close) + 1;

/// The kind as code writes it: `open`, `File::read`, `Dir::close`.
std::string_view to_string(OperationKind kind) noexcept;

/// One call of an operation of a file system or of one of its handles, as `HookedFileSystem::around` sees it. Valid
/// during that call.
struct Operation {
  /// The offset of a read or write at the position of a handle that is not known: it appends, or failed before.
  static constexpr std::uint64_t unknown_offset = UINT64_MAX;

  const OperationKind kind;

  /// The path; of a handle its `path()`, which is that in the inner file system. Of `rename` and `link` the first one.
  /// A hook may set it to another valid path, which is used by each `next` from then on and must live as long as that;
  /// setting that of a handle has no effect.
  std::string_view path;

  std::string_view to = {};  ///< The second path of `rename` and `link`, which a hook may set too.

  // Setting one of these four has no effect.
  std::string_view target = {};           ///< What `symlink` is to point to.
  const OpenOptions* options = nullptr;   ///< Of `open`, and of the files that it has opened; else null.
  MapMode map_mode = MapMode::read;       ///< Of `File::map`.
  LockMode lock_mode = LockMode::shared;  ///< Of `File::try_lock` and `lock`.

  /// Where a read, a write or a range begins; to where `seek` goes, as its caller has written it, which may be negative
  /// (cast it to `std::int64_t`). Setting it has no effect.
  std::uint64_t offset = 0;

  /// How many bytes to read, write, cut to, allocate, lock or map; how many entries to list. A hook may make it smaller
  /// for `File::read`, `read_at`, `write`, `write_at` and `Dir::read`, which then do only so much.
  std::uint64_t size = 0;

  /// How many bytes the last `next` has read or written; of one that failed as many as its Error tells
  /// (`Error::transferred`).
  std::uint64_t transferred = 0;

  /// Of `open`, `open_dir` and `File::map`: whether the operations of the handle pass through `around` too. Where a
  /// hook sets it to false, the caller gets the handle of the inner file system itself.
  bool hooks_handle = true;

  const Context& context;     ///< Of the call; of a handle that of its `open`, but for `File::lock`.
  std::source_location site;  ///< Of the call.

  /// Whether it may change something that is stored.
  bool changes() const noexcept;

  /// An Error of this operation, which names it as those of the file systems do: `rename a -> b: …`, and tells what is
  /// `transferred` by now.
  std::unexpected<Error> fail(std::error_code code, std::string_view detail = {}) const;
  std::unexpected<Error> fail(std::errc code, std::string_view detail = {}) const;
};

}  // namespace LEASH_NAMESPACE::fs
