#pragma once

#include <leash/config.hpp>
#include <leash/fs/file_info.hpp>
#include <string>

namespace LEASH_NAMESPACE::fs {

/// One name in a directory, and the type of what it names. A symbolic link has the type `symlink`, whatever it points
/// to.
struct DirEntry {
  std::string name;
  FileType type = FileType::unknown;

  bool is_directory() const noexcept { return type == FileType::directory; }
  friend bool operator==(const DirEntry&, const DirEntry&) = default;
};

}  // namespace LEASH_NAMESPACE::fs
