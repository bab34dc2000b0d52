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
#include <leash/fs/path_arg.hpp>
#include <leash/fs/space.hpp>
#include <leash/result.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::fs {

/// A tree of files: the disk, memory, or a decorator over another file system. Thread-safe: any number of threads may
/// call any members at once.
///
/// Paths are relative to the root of the file system and written as `valid_path` says; a `std::filesystem::path` will
/// do (see `PathArg`). Errors name the operation and the path; those of `rename` and `link` name both paths, in the
/// form `from -> to`.
///
/// Every operation may fail with these errors, besides those that it lists:
/// - `invalid_argument` for a path that is not a `valid_path`, and `operation_canceled` or `timed_out` when the Context
///   is done: both before the implementation is called;
/// - `no_such_file_or_directory`; `not_a_directory` where an element before the last is something else;
/// - `filename_too_long`, `permission_denied`;
/// - `errc::escapes_root` for a symbolic link that leads out of the root or is absolute (a DiskFS may allow both, see
///   `Links`), and `too_many_symbolic_link_levels`; links that stay below the root are followed;
/// - `operation_not_supported` if the implementation lacks the operation.
class FileSystem {
 public:
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;
  virtual ~FileSystem();

  /// Opens a file for reading. Errors: `is_a_directory`.
  [[nodiscard]] Result<std::unique_ptr<File>> open(Call call, PathArg path);

  /// Opens a file as the options say. Never waits for the other end of a FIFO.
  /// Errors: `invalid_argument` if the options contradict each other, `file_exists`, `is_a_directory` (unless
  /// `directory` is set), `not_a_directory` (if it is set).
  [[nodiscard]] Result<std::unique_ptr<File>> open(Call call, PathArg path, const OpenOptions& options);

  /// Opens a file for writing. Creates it, with mode 0666 less the umask (of the process, or of the MemoryFS), or
  /// empties it if it exists. Errors: `is_a_directory`.
  [[nodiscard]] Result<std::unique_ptr<File>> create(Call call, PathArg path);

  /// Opens a file so that every write goes to its end, and creates it, as `create` does, if it is missing.
  /// Errors: `is_a_directory`.
  [[nodiscard]] Result<std::unique_ptr<File>> append(Call call, PathArg path);

  /// Opens a directory, to list it in pieces. Errors: `not_a_directory`.
  [[nodiscard]] Result<std::unique_ptr<Dir>> open_dir(Call call, PathArg path);

  /// Returns the metadata of a file. A symbolic link is followed.
  [[nodiscard]] Result<FileInfo> stat(Call call, PathArg path);

  /// Returns the metadata of a file. If `path` is a symbolic link, it is the link's own.
  [[nodiscard]] Result<FileInfo> lstat(Call call, PathArg path);

  /// Returns all entries of a directory without `.` and `..`, sorted by the bytes of their names. In a range-for loop
  /// write `leash::take(files.read_dir(ctx, path))` and not `files.read_dir(ctx, path).value()`: see `leash::take`.
  /// Errors: `not_a_directory`.
  [[nodiscard]] Result<std::vector<DirEntry>> read_dir(Call call, PathArg path);

  /// The same with the information of `lstat` on each entry. One that is removed meanwhile is left out.
  [[nodiscard]] Result<std::vector<FileInfo>> read_dir_info(Call call, PathArg path);

  /// Creates a directory with mode `mode` less the umask. In one with the set-group-ID bit it gets that bit too.
  /// Errors: `file_exists` if the name exists, whatever it names; `no_such_file_or_directory` if the parent is missing;
  /// `invalid_argument` for a mode above 0777.
  [[nodiscard]] Result<void> mkdir(Call call, PathArg path, std::uint32_t mode = 0777);

  /// Creates a directory and those above it that are missing, each with mode `mode` less the umask. Succeeds if the
  /// directory exists already. Errors: `not_a_directory` if an element is something else, `file_exists` if one is a
  /// dangling link, `invalid_argument` for a mode above 0777.
  [[nodiscard]] Result<void> mkdir_all(Call call, PathArg path, std::uint32_t mode = 0777);

  /// Removes a file, a symbolic link (not what it points to) or an empty directory. Handles that are open to the file
  /// go on working.
  /// Errors: `directory_not_empty`; `invalid_argument` for the root.
  [[nodiscard]] Result<void> remove(Call call, PathArg path);

  /// The same for all but directories (unlink(2)). Errors: `is_a_directory`.
  [[nodiscard]] Result<void> remove_file(Call call, PathArg path);

  /// The same for an empty directory (rmdir(2)). Errors: `not_a_directory`, `directory_not_empty`, `invalid_argument`
  /// for the root.
  [[nodiscard]] Result<void> remove_dir(Call call, PathArg path);

  /// Removes the file, symbolic link or directory at `path`, with all that is below it, but never what a link points
  /// to. Succeeds if nothing is there. Stops at the first failure, or when the Context is done; part of the tree may
  /// then be gone. Errors: `invalid_argument` for the root.
  [[nodiscard]] Result<void> remove_all(Call call, PathArg path);

  /// Renames `from` to `to`, and atomically replaces a file, or an empty directory, that is at `to`. Does nothing if
  /// both name the same file. Errors: `is_a_directory` for a file onto a directory, `not_a_directory` for a directory
  /// onto a file, `directory_not_empty`, `invalid_argument` for a directory into itself and for the root,
  /// `cross_device_link`.
  [[nodiscard]] Result<void> rename(Call call, PathArg from, PathArg to);

  /// Creates `path` as a further name (hard link) of the file `existing`. If that is a symbolic link, the link itself
  /// gets the name. Errors: `file_exists`, `operation_not_permitted` for a directory.
  [[nodiscard]] Result<void> link(Call call, PathArg existing, PathArg path);

  /// Creates a symbolic link at `path`. The target may be any text without NUL: it is not checked before the link is
  /// followed. Errors: `file_exists`; `invalid_argument` for a target that is empty or contains NUL.
  [[nodiscard]] Result<void> symlink(Call call, PathArg target, PathArg path);

  /// Returns the target of a symbolic link, as `symlink` was given it. Errors: `invalid_argument` if `path` is no
  /// symbolic link.
  [[nodiscard]] Result<std::string> read_link(Call call, PathArg path);

  /// Sets the mode of a file (chmod(2)): permissions, set-user-ID, set-group-ID and the sticky bit. A symbolic link is
  /// followed. Errors: `invalid_argument` for a mode above 07777.
  [[nodiscard]] Result<void> chmod(Call call, PathArg path, std::uint32_t mode);

  /// Sets the times of a file (utimensat(2)); `std::nullopt` leaves a time as it is. A symbolic link is followed.
  [[nodiscard]] Result<void> set_times(Call call, PathArg path, std::optional<Clock::system_time_point> accessed,
                                       std::optional<Clock::system_time_point> modified);

  /// Sets the size of a file to `size` bytes: cuts the rest off, or extends the file with zeros. A symbolic link is
  /// followed. Errors: `is_a_directory`, `file_too_large`.
  [[nodiscard]] Result<void> truncate(Call call, PathArg path, std::uint64_t size);

  /// Waits until the names in a directory have reached the device: what `create`, `rename` and `remove` did there.
  /// Errors: `not_a_directory`.
  [[nodiscard]] Result<void> sync_dir(Call call, PathArg path);

  /// Returns how much room there is where `path` is stored (statvfs(3)).
  [[nodiscard]] Result<Space> space(Call call, PathArg path);

  // What a call without a Context is told.
  Result<std::unique_ptr<File>> open(NoContext), open(NoContext, const OpenOptions&), create(NoContext),
      append(NoContext);
  Result<std::unique_ptr<Dir>> open_dir(NoContext);
  Result<FileInfo> stat(NoContext), lstat(NoContext);
  Result<std::vector<DirEntry>> read_dir(NoContext);
  Result<std::vector<FileInfo>> read_dir_info(NoContext);
  Result<void> mkdir(NoContext, std::uint32_t = 0777), mkdir_all(NoContext, std::uint32_t = 0777);
  Result<void> remove(NoContext), remove_file(NoContext), remove_dir(NoContext), remove_all(NoContext);
  Result<void> rename(NoContext, PathArg);
  Result<void> link(NoContext, PathArg), symlink(NoContext, PathArg);
  Result<std::string> read_link(NoContext);
  Result<void> chmod(NoContext, std::uint32_t), truncate(NoContext, std::uint64_t), sync_dir(NoContext);
  Result<void> set_times(NoContext, std::optional<Clock::system_time_point>, std::optional<Clock::system_time_point>);
  Result<Space> space(NoContext);

 protected:
  friend class ProxyFileSystem;

  FileSystem() = default;

  /// For an implementation whose `do_open`, `do_stat` and `do_lstat` refuse paths that are invalid, as the public
  /// members otherwise do before they call them. A decorator over it is no such implementation.
  struct ChecksPaths {};
  explicit FileSystem(ChecksPaths) noexcept : checks_paths_(true) {}

  FileSystem(FileSystem&&) = default;
  FileSystem& operator=(FileSystem&&) = default;

  /// What an implementation provides. The public members have checked the Context and the arguments. By default an
  /// operation fails with `operation_not_supported`.
  virtual Result<std::unique_ptr<File>> do_open(Call call, std::string_view path, const OpenOptions& options);
  virtual Result<std::unique_ptr<Dir>> do_open_dir(Call call, std::string_view path);
  virtual Result<FileInfo> do_stat(Call call, std::string_view path);
  virtual Result<FileInfo> do_lstat(Call call, std::string_view path);
  virtual Result<std::vector<DirEntry>> do_read_dir(Call call, std::string_view path);
  virtual Result<std::vector<FileInfo>> do_read_dir_info(Call call, std::string_view path);
  virtual Result<void> do_mkdir(Call call, std::string_view path, std::uint32_t mode);
  virtual Result<void> do_mkdir_all(Call call, std::string_view path, std::uint32_t mode);
  virtual Result<void> do_remove(Call call, std::string_view path);
  virtual Result<void> do_remove_file(Call call, std::string_view path);
  virtual Result<void> do_remove_dir(Call call, std::string_view path);
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

 private:
  bool checks_paths_ = false;
};

}  // namespace LEASH_NAMESPACE::fs
