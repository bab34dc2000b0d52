#pragma once

#include <leash/context.hpp>
#include <leash/fs/file.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/result.hpp>
#include <map>
#include <memory>
#include <string>

namespace service {

/// Keeps the files of pages open, so that a page that was asked for once takes no look at its path again.
class FileCache {
 public:
  FileCache(leash::fs::FileSystem& files, bool leaky) : files_(files), leaky_(leaky) {}

  /// The text of a page. Errors: those of opening and reading the file; `illegal_byte_sequence` if it is no page.
  leash::Result<std::string> page(const leash::Context& ctx, const std::string& name);

  /// Closes the files of all pages.
  leash::Result<void> close();

 private:
  struct Entry {
    std::unique_ptr<leash::fs::File> file;
    bool is_page = false;
  };

  leash::fs::FileSystem& files_;
  std::map<std::string, Entry> entries_;
  const bool leaky_;
};

}  // namespace service
