#pragma once

#include <leash/config.hpp>
#include <leash/fs/file_info.hpp>
#include <string>

namespace LEASH_NAMESPACE::fs {

/// One name in a directory. Links are listed as links, not as what they point to.
struct DirEntry {
  std::string name;
  FileType type = FileType::unknown;

  bool is_directory() const noexcept { return type == FileType::directory; }
  friend bool operator==(const DirEntry&, const DirEntry&) = default;
};

}  // namespace LEASH_NAMESPACE::fs
