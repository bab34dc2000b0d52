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

/// What is known of a file besides its content.
struct FileInfo {
  std::string name;  ///< The last element of the path it was asked for by.
  FileType type = FileType::unknown;
  std::uint32_t mode = 0;  ///< The permission bits with set-user-id, set-group-id and sticky: at most 07777.
  std::uint64_t size =
      0;  ///< In bytes. Of a symbolic link, the length of its target; of a directory, as the system has it.
  std::uint64_t links = 0;  ///< How many names it has.
  std::uint64_t device = 0;
  std::uint64_t id = 0;                 ///< Unique among the files of one device that exist at the same time.
  Clock::system_time_point modified{};  ///< Of a time that this cannot hold, before 1677 or after 2262, the nearest.
  Clock::system_time_point accessed{};
  Clock::system_time_point changed{};

  bool is_directory() const noexcept { return type == FileType::directory; }
};

/// Whether two answers are about the same file, under whatever names.
inline bool same_file(const FileInfo& a, const FileInfo& b) noexcept { return a.device == b.device && a.id == b.id; }

}  // namespace LEASH_NAMESPACE::fs
