#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/fs/file_info.hpp>
#include <leash/result.hpp>
#include <source_location>
#include <span>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// What `File::seek` counts from.
enum class Whence : unsigned char { begin, current, end };

/// An open file. Closing it is the owner's duty: the destructor closes too, but cannot report the error.
///
/// One thread at a time may call `read`, `write` and `seek`; `read_at`, `write_at`, `truncate`, `sync` and `stat` may
/// run in any number of threads. `close`, `release` and destruction need the file to themselves.
///
/// A file may outlive the file system, the decorators and the Context it was opened with. Errors name the operation and
/// the path it was opened by. After `close` or `release`, every operation fails with `bad_file_descriptor`.
class File {
 public:
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File();

  /// Reads up to `buffer.size()` bytes at the file's position, and moves it. Returns the number of bytes read;
  /// 0 only at the end of the file or for an empty buffer.
  /// Errors: `permission_denied` if not opened for reading, `is_a_directory`.
  [[nodiscard]] Result<std::size_t> read(std::span<std::byte> buffer,
                                         std::source_location site = std::source_location::current()) {
    return do_read(buffer, site);
  }

  /// Writes all of `data` at the file's position (with `OpenOptions::append`, at the end of the file), and moves it
  /// behind. After a failure some of the data may have been written: the position tells. Errors: `permission_denied` if
  /// not opened for writing, `file_too_large`, `no_space_on_device`; `broken_pipe` for a FIFO without a reader, and
  /// never the signal SIGPIPE.
  [[nodiscard]] Result<void> write(std::span<const std::byte> data,
                                   std::source_location site = std::source_location::current()) {
    return do_write(data, site);
  }
  [[nodiscard]] Result<void> write(std::string_view text, std::source_location site = std::source_location::current());

  /// Reads at `offset`, without the file's position. Reads less than `buffer.size()` bytes only at the end of the file.
  /// Errors: as `read`.
  [[nodiscard]] Result<std::size_t> read_at(std::span<std::byte> buffer, std::uint64_t offset,
                                            std::source_location site = std::source_location::current());

  /// Writes all of `data` at `offset`, without the file's position. Bytes between the old end and `offset` read as
  /// zero. Errors: as `write`; `invalid_argument` if opened for appending.
  [[nodiscard]] Result<void> write_at(std::span<const std::byte> data, std::uint64_t offset,
                                      std::source_location site = std::source_location::current());
  [[nodiscard]] Result<void> write_at(std::string_view text, std::uint64_t offset,
                                      std::source_location site = std::source_location::current());

  /// Moves the position, and returns it as counted from the beginning. It may lie behind the end: a write there leaves
  /// a hole. Errors: `invalid_argument` if it would be negative or too large, `is_a_directory`.
  [[nodiscard]] Result<std::uint64_t> seek(std::int64_t offset, Whence whence = Whence::begin,
                                           std::source_location site = std::source_location::current()) {
    return do_seek(offset, whence, site);
  }

  /// Cuts the file, or extends it with zeros. The position stays.
  /// Errors: `permission_denied` if not opened for writing, `file_too_large`.
  [[nodiscard]] Result<void> truncate(std::uint64_t size, std::source_location site = std::source_location::current());

  /// Makes sure that there is room for the bytes from `offset` on, and that the file is at least that long.
  [[nodiscard]] Result<void> allocate(std::uint64_t offset, std::uint64_t size,
                                      std::source_location site = std::source_location::current());

  /// Returns when all that was written has reached the device. Of a directory: the names in it.
  [[nodiscard]] Result<void> sync(std::source_location site = std::source_location::current()) { return do_sync(site); }

  [[nodiscard]] Result<FileInfo> stat(std::source_location site = std::source_location::current());

  /// Gives the descriptor up to the caller, who closes it; the file counts as closed.
  /// Errors: `operation_not_supported` where there is no descriptor; the file then stays open.
  [[nodiscard]] Result<int> release(std::source_location site = std::source_location::current());

  /// Closes the file, and reports what went wrong with it. Whatever it returns, the file counts as closed.
  [[nodiscard]] Result<void> close(std::source_location site = std::source_location::current()) {
    return do_close(site);
  }

  /// The descriptor behind the file; -1 where there is none, and after `close`.
  int native_handle() const noexcept { return do_native_handle(); }

  /// The path the file was opened by. Lives as long as the file.
  std::string_view path() const noexcept LEASH_LIFETIMEBOUND { return do_path(); }

 protected:
  friend class ProxyFile;

  File() = default;

  /// What an implementation provides. Where it does not, the operation fails with `operation_not_supported`. It is
  /// never asked for more than `max_size` bytes of a file: `offset + data.size()` and `size` are at most that.
  static constexpr std::uint64_t max_size = INT64_MAX;

  virtual Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site);
  virtual Result<void> do_write(std::span<const std::byte> data, std::source_location site);
  virtual Result<std::size_t> do_read_at(std::span<std::byte> buffer, std::uint64_t offset, std::source_location site);
  virtual Result<void> do_write_at(std::span<const std::byte> data, std::uint64_t offset, std::source_location site);
  virtual Result<std::uint64_t> do_seek(std::int64_t offset, Whence whence, std::source_location site);
  virtual Result<void> do_truncate(std::uint64_t size, std::source_location site);
  virtual Result<void> do_allocate(std::uint64_t offset, std::uint64_t size, std::source_location site);
  virtual Result<void> do_sync(std::source_location site);
  virtual Result<FileInfo> do_stat(std::source_location site);
  virtual Result<int> do_release(std::source_location site);
  virtual Result<void> do_close(std::source_location site) = 0;
  virtual int do_native_handle() const noexcept;
  virtual std::string_view do_path() const noexcept = 0;
};

}  // namespace LEASH_NAMESPACE::fs
