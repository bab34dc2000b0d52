#pragma once

#include <cstdint>
#include <leash/call.hpp>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/fs/dir.hpp>
#include <leash/fs/dir_entry.hpp>
#include <leash/fs/file.hpp>
#include <leash/fs/file_info.hpp>
#include <leash/fs/open_options.hpp>
#include <leash/fs/space.hpp>
#include <leash/result.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::fs {

/// A tree of files: the disk, memory, or a decorator over another. All members may be called from any number of
/// threads.
///
/// Paths are relative to its root (`valid_path`); anything else is `invalid_argument`, before the implementation is
/// asked. A Context that is done is refused there too: `operation_canceled` or `timed_out`. Symbolic links are followed
/// while they stay inside of the root; one that leaves it, or is absolute, gives `errc::escapes_root` (for a DiskFS,
/// see `Links`), and too many of them `too_many_symbolic_link_levels`. Errors name the operation and the path: those of
/// `rename` and `link` as `from
/// -> to`.
///
/// What every operation may also return: `no_such_file_or_directory`, `not_a_directory` for an element in the middle,
/// `filename_too_long`, `permission_denied`, and `operation_not_supported` where an implementation lacks it.
class FileSystem {
 public:
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;
  virtual ~FileSystem();

  /// Opens a file for reading. Errors: `is_a_directory`.
  [[nodiscard]] Result<std::unique_ptr<File>> open(Call call, std::string_view path);

  /// Opens a file as the options say. Never waits for the other end of a FIFO.
  /// Errors: `invalid_argument` if the options contradict each other, `file_exists`, `is_a_directory` (unless
  /// `directory` is set), `not_a_directory` (if it is set).
  [[nodiscard]] Result<std::unique_ptr<File>> open(Call call, std::string_view path, const OpenOptions& options);

  /// Opens a file for writing, anew: creates or empties it. The mode is 0666, less the umask of the process or of the
  /// MemoryFS.
  [[nodiscard]] Result<std::unique_ptr<File>> create(Call call, std::string_view path);

  /// Opens a file for writing at its end, and creates it if it is missing, as `create` does.
  [[nodiscard]] Result<std::unique_ptr<File>> append(Call call, std::string_view path);

  /// Opens a directory, to list it in pieces. Errors: `not_a_directory`.
  [[nodiscard]] Result<std::unique_ptr<Dir>> open_dir(Call call, std::string_view path);

  /// What is known of a file; of what it points to, if it is a symbolic link.
  [[nodiscard]] Result<FileInfo> stat(Call call, std::string_view path);

  /// What is known of a file, or of the symbolic link itself.
  [[nodiscard]] Result<FileInfo> lstat(Call call, std::string_view path);

  /// All entries of a directory, strictly ordered by the bytes of their names, without `.` and `..`. Loop over
  /// `leash::take(files.read_dir(ctx, path))`, not over `.value()` of it: that refers into a Result which may be gone.
  [[nodiscard]] Result<std::vector<DirEntry>> read_dir(Call call, std::string_view path);

  /// Creates a directory. Errors: `file_exists`, whatever it is that exists; `no_such_file_or_directory` without a
  /// parent.
  [[nodiscard]] Result<void> mkdir(Call call, std::string_view path, std::uint32_t mode = 0777);

  /// Creates a directory and those above it that are missing. It is no error if it exists.
  /// Errors: `not_a_directory` if an element is something else, `file_exists` if one is a dangling link.
  [[nodiscard]] Result<void> mkdir_all(Call call, std::string_view path, std::uint32_t mode = 0777);

  /// Removes a file, a symbolic link (not what it points to) or an empty directory. Who has the file open keeps it.
  /// Errors: `directory_not_empty`; `invalid_argument` for the root.
  [[nodiscard]] Result<void> remove(Call call, std::string_view path);

  /// Removes whatever `path` is, with all that is below it; never what links point to. It is no error if nothing is
  /// there. Stops at the first failure, or when the Context is done. Errors: `invalid_argument` for the root.
  [[nodiscard]] Result<void> remove_all(Call call, std::string_view path);

  /// Gives a file or directory another name, and in the same step removes what had that name. Nothing happens if both
  /// are the same file. Errors: `is_a_directory` (a file over a directory), `not_a_directory` (the reverse),
  /// `directory_not_empty`, `invalid_argument` (a directory into itself, or the root), `cross_device_link`.
  [[nodiscard]] Result<void> rename(Call call, std::string_view from, std::string_view to);

  /// Gives the file `existing` a further name; a symbolic link is not followed. Errors: `file_exists`,
  /// `operation_not_permitted` for a directory.
  [[nodiscard]] Result<void> link(Call call, std::string_view existing, std::string_view path);

  /// Creates a symbolic link at `path`. The target may be any text that is not empty and has no NUL: it is judged when
  /// it is followed.
  [[nodiscard]] Result<void> symlink(Call call, std::string_view target, std::string_view path);

  /// The target of a symbolic link, as it was given. Errors: `invalid_argument` if it is none.
  [[nodiscard]] Result<std::string> read_link(Call call, std::string_view path);

  /// Sets the mode bits of a file, or of what it points to, if it is a symbolic link (chmod(2)): permissions,
  /// set-user-ID, set-group-ID and the sticky bit.
  [[nodiscard]] Result<void> chmod(Call call, std::string_view path, std::uint32_t mode);

  /// Sets those times that are given of a file, or of what it points to, if it is a symbolic link (utimensat(2)).
  [[nodiscard]] Result<void> set_times(Call call, std::string_view path,
                                       std::optional<Clock::system_time_point> accessed,
                                       std::optional<Clock::system_time_point> modified);

  /// Cuts a file, or extends it with zeros. Errors: `is_a_directory`, `file_too_large`.
  [[nodiscard]] Result<void> truncate(Call call, std::string_view path, std::uint64_t size);

  /// Returns when the names in a directory have reached the device: what `create`, `rename` and `remove` did there.
  [[nodiscard]] Result<void> sync_dir(Call call, std::string_view path);

  /// How much room there is where `path` is kept (statvfs(3)).
  [[nodiscard]] Result<Space> space(Call call, std::string_view path);

  // What a call without a Context is told.
  Result<std::unique_ptr<File>> open(NoContext), open(NoContext, const OpenOptions&), create(NoContext),
      append(NoContext);
  Result<std::unique_ptr<Dir>> open_dir(NoContext);
  Result<FileInfo> stat(NoContext), lstat(NoContext);
  Result<std::vector<DirEntry>> read_dir(NoContext);
  Result<void> mkdir(NoContext, std::uint32_t = 0777), mkdir_all(NoContext, std::uint32_t = 0777);
  Result<void> remove(NoContext), remove_all(NoContext), rename(NoContext, std::string_view);
  Result<void> link(NoContext, std::string_view), symlink(NoContext, std::string_view);
  Result<std::string> read_link(NoContext);
  Result<void> chmod(NoContext, std::uint32_t), truncate(NoContext, std::uint64_t), sync_dir(NoContext);
  Result<void> set_times(NoContext, std::optional<Clock::system_time_point>, std::optional<Clock::system_time_point>);
  Result<Space> space(NoContext);

 protected:
  friend class ProxyFileSystem;

  FileSystem() = default;
  FileSystem(FileSystem&&) = default;
  FileSystem& operator=(FileSystem&&) = default;

  /// What an implementation provides, with arguments that were checked. Where it does not, the operation fails with
  /// `operation_not_supported`.
  virtual Result<std::unique_ptr<File>> do_open(Call call, std::string_view path, const OpenOptions& options);
  virtual Result<std::unique_ptr<Dir>> do_open_dir(Call call, std::string_view path);
  virtual Result<FileInfo> do_stat(Call call, std::string_view path);
  virtual Result<FileInfo> do_lstat(Call call, std::string_view path);
  virtual Result<std::vector<DirEntry>> do_read_dir(Call call, std::string_view path);
  virtual Result<void> do_mkdir(Call call, std::string_view path, std::uint32_t mode);
  virtual Result<void> do_mkdir_all(Call call, std::string_view path, std::uint32_t mode);
  virtual Result<void> do_remove(Call call, std::string_view path);
  virtual Result<void> do_remove_all(Call call, std::string_view path);
  virtual Result<void> do_rename(Call call, std::string_view from, std::string_view to);
  virtual Result<void> do_link(Call call, std::string_view existing, std::string_view path);
  virtual Result<void> do_symlink(Call call, std::string_view target, std::string_view path);
  virtual Result<std::string> do_read_link(Call call, std::string_view path);
  virtual Result<void> do_chmod(Call call, std::string_view path, std::uint32_t mode);
  virtual Result<void> do_set_times(Call call, std::string_view path, std::optional<Clock::system_time_point> accessed,
                                    std::optional<Clock::system_time_point> modified);
  virtual Result<void> do_truncate(Call call, std::string_view path, std::uint64_t size);
  virtual Result<void> do_sync_dir(Call call, std::string_view path);
  virtual Result<Space> do_space(Call call, std::string_view path);
};

}  // namespace LEASH_NAMESPACE::fs
