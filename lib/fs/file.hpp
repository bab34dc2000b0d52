#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/call.hpp>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/fs/file_info.hpp>
#include <leash/fs/file_lock.hpp>
#include <leash/fs/mapping.hpp>
#include <leash/result.hpp>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// Where `File::seek` counts its offset from.
enum class Whence : unsigned char { begin, current, end };

/// An open file. Closing it is the owner's duty: the destructor closes too, but cannot report the error.
///
/// One thread at a time may call `read`, `write` and `seek`; the others may run in any number of threads. No other
/// member may run during `close`, `release` or destruction.
///
/// A file may outlive the file system, the decorators and the Context it was opened with. Errors name the operation and
/// the path it was opened by. After `close` or `release`, every operation fails with `bad_file_descriptor`. An
/// operation that the implementation lacks fails with `operation_not_supported`.
class File {
 public:
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File();

  /// Reads up to `buffer.size()` bytes at the file's position, and moves the position behind them. Returns the number
  /// of bytes read; 0 only at the end of the file or for an empty buffer.
  /// Errors: `permission_denied` if not opened for reading, `is_a_directory`.
  [[nodiscard]] Result<std::size_t> read(std::span<std::byte> buffer,
                                         std::source_location site = std::source_location::current()) {
    return do_read(buffer, site);
  }

  /// Writes all of `data` at the file's position (with `OpenOptions::append`: at the end of the file), and moves the
  /// position behind what was written. A write that fails may have written some of `data`: so many bytes as
  /// `Error::transferred` tells, and the position is behind them. Errors: `permission_denied` if not opened for
  /// writing, `file_too_large`, `no_space_on_device`, `broken_pipe` for a FIFO that nobody reads. Never raises SIGPIPE.
  [[nodiscard]] Result<void> write(std::span<const std::byte> data,
                                   std::source_location site = std::source_location::current()) {
    return do_write(data, site);
  }
  [[nodiscard]] Result<void> write(std::string_view text, std::source_location site = std::source_location::current());

  /// Reads `buffer.size()` bytes, starting `offset` bytes from the beginning of the file; neither uses nor moves the
  /// position. Returns the number of bytes read, less than `buffer.size()` only where the file ends. Errors: as `read`.
  [[nodiscard]] Result<std::size_t> read_at(std::span<std::byte> buffer, std::uint64_t offset,
                                            std::source_location site = std::source_location::current());

  /// Writes all of `data`, starting `offset` bytes from the beginning of the file; neither uses nor moves the position.
  /// Where `offset` is behind the end of the file, the bytes between read as zeros. A write that fails may have written
  /// some of `data`: so many bytes as `Error::transferred` tells. Errors: as `write`; `invalid_argument` if opened for
  /// appending.
  [[nodiscard]] Result<void> write_at(std::span<const std::byte> data, std::uint64_t offset,
                                      std::source_location site = std::source_location::current());
  [[nodiscard]] Result<void> write_at(std::string_view text, std::uint64_t offset,
                                      std::source_location site = std::source_location::current());

  /// Sets the position to `whence` plus `offset` bytes, and returns it, counted from the beginning of the file. It may
  /// be behind the end: a write there leaves a hole, which reads as zeros. Errors: `invalid_argument` if the position
  /// would be negative or above INT64_MAX, `is_a_directory`.
  [[nodiscard]] Result<std::uint64_t> seek(std::int64_t offset, Whence whence = Whence::begin,
                                           std::source_location site = std::source_location::current()) {
    return do_seek(offset, whence, site);
  }

  /// Sets the file's size to `size` bytes: cuts the rest off, or extends the file with zeros. The position does not
  /// move. Errors: `permission_denied` if not opened for writing, `file_too_large`.
  [[nodiscard]] Result<void> truncate(std::uint64_t size, std::source_location site = std::source_location::current());

  /// Reserves room on the device for the `size` bytes from `offset` on, and extends the file to `offset + size` bytes
  /// if it is shorter. Errors: `invalid_argument` for a size of 0, `file_too_large`, `no_space_on_device`,
  /// `permission_denied` if not opened for writing.
  [[nodiscard]] Result<void> allocate(std::uint64_t offset, std::uint64_t size,
                                      std::source_location site = std::source_location::current());

  /// Waits until all that was written to the file has reached the device; for a directory, the names in it (fsync(2)).
  [[nodiscard]] Result<void> sync(std::source_location site = std::source_location::current()) { return do_sync(site); }

  /// The same, without metadata that reading the content does not need, such as times (fdatasync(2)).
  [[nodiscard]] Result<void> sync_data(std::source_location site = std::source_location::current());

  /// Returns the metadata of the file.
  [[nodiscard]] Result<FileInfo> stat(std::source_location site = std::source_location::current());

  /// Sets the mode of the file: see `FileSystem::chmod`.
  [[nodiscard]] Result<void> chmod(std::uint32_t mode, std::source_location site = std::source_location::current());

  /// Sets the times of the file: see `FileSystem::set_times`.
  [[nodiscard]] Result<void> set_times(std::optional<Clock::system_time_point> accessed,
                                       std::optional<Clock::system_time_point> modified,
                                       std::source_location site = std::source_location::current());

  /// Locks a range of the file for this handle, in place of what the handle has locked of it before; the range need not
  /// be in the file. Locks are advisory: reading and writing does not ask for them. What other handles hold counts, be
  /// they of this process or another one; closing another handle frees nothing of this one (F_OFD_SETLK, fcntl(2)).
  /// `close` frees all. Errors: `resource_unavailable_try_again` if another handle holds some of the range in a mode
  /// that excludes this one; `permission_denied` if not opened for reading (shared) or writing (exclusive);
  /// `value_too_large` for a range that ends behind INT64_MAX.
  [[nodiscard]] Result<void> try_lock(LockMode mode, LockRange range = {},
                                      std::source_location site = std::source_location::current());

  /// The same, but waits while others hold some of the range, until the Context is done. On disk that is asked every
  /// 50 ms at most, by the clock of the Context. Two handles that wait for each other do so until then. Errors: as
  /// `try_lock`, and `timed_out` and `operation_canceled`.
  [[nodiscard]] Result<void> lock(Call call, LockMode mode, LockRange range = {});

  /// Frees what the handle has locked of a range. Succeeds if that is nothing. Errors: `value_too_large`.
  [[nodiscard]] Result<void> unlock(LockRange range = {}, std::source_location site = std::source_location::current());

  /// Maps the `size` bytes from `offset` on, which need not be a multiple of anything. Errors: `invalid_argument` for a
  /// size of 0 and for a range that does not lie within the file; `permission_denied` if not opened for reading, or not
  /// for writing with `MapMode::write`; `is_a_directory`; `no_such_device` for what cannot be mapped;
  /// `device_or_resource_busy` in memory, where the range cannot be put in one place because other maps overlap it.
  [[nodiscard]] Result<std::unique_ptr<Mapping>> map(std::uint64_t offset, std::size_t size,
                                                     MapMode mode = MapMode::read,
                                                     std::source_location site = std::source_location::current());

  /// Closes the file without closing its descriptor, and returns the descriptor, which is now the caller's to close.
  /// Errors: `operation_not_supported` if the file has no descriptor; the file then stays open.
  [[nodiscard]] Result<int> release(std::source_location site = std::source_location::current());

  /// Closes the file. An error may be that of an earlier write, which the system reports only now (close(2)). The file
  /// is closed afterwards even if this returns an error.
  [[nodiscard]] Result<void> close(std::source_location site = std::source_location::current()) {
    return do_close(site);
  }

  /// The descriptor of the file, which still owns it; -1 if the file has none, and after `close` or `release`.
  int native_handle() const noexcept { return do_native_handle(); }

  /// The path the file was opened by. The view is valid as long as this object.
  std::string_view path() const noexcept LEASH_LIFETIMEBOUND { return do_path(); }

 protected:
  friend class ProxyFile;

  File() = default;

  /// The greatest size of a file, in bytes. The public members have checked that the `size`, or the end of the range at
  /// `offset`, which is passed to a `do_…` function is not above it.
  static constexpr std::uint64_t max_size = INT64_MAX;

  /// What an implementation provides. By default an operation fails with `operation_not_supported`, and
  /// `do_native_handle` returns -1.
  virtual Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site);
  virtual Result<void> do_write(std::span<const std::byte> data, std::source_location site);
  virtual Result<std::size_t> do_read_at(std::span<std::byte> buffer, std::uint64_t offset, std::source_location site);
  virtual Result<void> do_write_at(std::span<const std::byte> data, std::uint64_t offset, std::source_location site);
  virtual Result<std::uint64_t> do_seek(std::int64_t offset, Whence whence, std::source_location site);
  virtual Result<void> do_truncate(std::uint64_t size, std::source_location site);
  virtual Result<void> do_allocate(std::uint64_t offset, std::uint64_t size, std::source_location site);
  virtual Result<void> do_sync(std::source_location site);
  virtual Result<void> do_sync_data(std::source_location site);
  virtual Result<FileInfo> do_stat(std::source_location site);
  virtual Result<void> do_chmod(std::uint32_t mode, std::source_location site);
  virtual Result<void> do_set_times(std::optional<Clock::system_time_point> accessed,
                                    std::optional<Clock::system_time_point> modified, std::source_location site);
  virtual Result<void> do_try_lock(LockMode mode, LockRange range, std::source_location site);
  virtual Result<void> do_lock(Call call, LockMode mode, LockRange range);
  virtual Result<void> do_unlock(LockRange range, std::source_location site);
  virtual Result<std::unique_ptr<Mapping>> do_map(std::uint64_t offset, std::size_t size, MapMode mode,
                                                  std::source_location site);
  virtual Result<int> do_release(std::source_location site);
  virtual Result<void> do_close(std::source_location site) = 0;
  virtual int do_native_handle() const noexcept;
  virtual std::string_view do_path() const noexcept = 0;
};

}  // namespace LEASH_NAMESPACE::fs
