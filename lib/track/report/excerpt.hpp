#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <map>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// Lines of source files. Each file is read once, as long as all that were read have 16 MiB at most. Not thread-safe.
class SourceFiles {
 public:
  /// Line number `line` (from 1 on) of the text file `file`, preceded by the line before it if there is one. Each is
  /// made safe for a terminal, with spaces for tabs, and cut after 160 bytes. Empty if the file cannot be read or is no
  /// regular file, or if it has no such line in its first 4 MiB. If the process is out of descriptors, a thread with a
  /// descriptor table of its own reads the file.
  std::vector<std::string> excerpt(const std::string& file, unsigned line);

 private:
  struct Source {
    std::string text;
    std::vector<std::size_t> starts;  ///< Where each line begins in `text`.
  };

  const Source& source(const std::string& file);

  std::map<std::string, Source> sources_;
  std::size_t bytes_ = 0;  ///< Of all texts.
};

}  // namespace LEASH_NAMESPACE::track::detail
