#pragma once

#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/fs/detail/extents.hpp>
#include <leash/fs/file_info.hpp>
#include <leash/os/mutex.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::fs::detail {

/// One file, directory or symbolic link of a MemoryFS. The names and the open handles of a file share ownership of it.
struct MemoryNode : std::enable_shared_from_this<MemoryNode> {
  using Children = std::map<std::string, std::shared_ptr<MemoryNode>, std::less<>>;

  MemoryNode(FileType type_, std::uint64_t id_, std::uint32_t mode_, Clock::system_time_point now)
      : type(type_), id(id_), mode(mode_), modified(now), accessed(now), changed(now) {}

  bool is_directory() const noexcept { return type == FileType::directory; }
  bool is_symlink() const noexcept { return type == FileType::symlink; }

  const FileType type;
  const std::uint64_t id;

  // Guarded by the mutex of the tree. A directory that was removed has no parent and no children. The parent is read of
  // directories only: a file may have names in several.
  Children children;
  MemoryNode* parent = nullptr;
  std::string target;  ///< Of a symbolic link.

  /// Guards what follows. A thread that needs the mutex of the tree too locks that one first.
  mutable os::SharedMutex mutex;
  Extents content;
  std::uint32_t mode;
  std::uint64_t links = 0;  ///< As `FileInfo::links`.
  Clock::system_time_point modified;
  Clock::system_time_point accessed;
  Clock::system_time_point changed;
};

}  // namespace LEASH_NAMESPACE::fs::detail
