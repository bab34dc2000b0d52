#pragma once

#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <string>

namespace LEASH_NAMESPACE::fs {

/// What a name in a directory stands for.
enum class FileType : unsigned char {
  regular,
  directory,
  symlink,
  fifo,
  socket,
  block_device,
  character_device,
  unknown,
};

/// The metadata of a file, as stat(2) tells it.
struct FileInfo {
  std::string name;  ///< The last element of the path that was passed to `stat`, or that the handle was opened by.
  FileType type = FileType::unknown;
  std::uint32_t mode = 0;  ///< The permission bits with set-user-id, set-group-id and sticky: at most 07777.

  /// In bytes. For a symbolic link the length of its target; for a directory whatever the file system says.
  std::uint64_t size = 0;

  std::uint64_t links = 0;   ///< How many names (hard links) the file has.
  std::uint64_t device = 0;  ///< What stores the file (`st_dev`); each MemoryFS has a number of its own.
  std::uint64_t id = 0;      ///< The inode: unique among the files of one device that exist at the same time.

  /// When the content was last written. Of this and the other times: one that the type cannot hold, before 1677 or
  /// after 2262, is replaced by the nearest that it can.
  Clock::system_time_point modified{};

  Clock::system_time_point accessed{};  ///< When the content was last read, as far as the file system keeps that.
  Clock::system_time_point changed{};   ///< When the content or the metadata last changed (`st_ctime`).

  bool is_directory() const noexcept { return type == FileType::directory; }
};

/// Whether `a` and `b` describe the same file, be it under different names.
inline bool same_file(const FileInfo& a, const FileInfo& b) noexcept { return a.device == b.device && a.id == b.id; }

}  // namespace LEASH_NAMESPACE::fs
