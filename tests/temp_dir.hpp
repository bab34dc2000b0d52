#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>

/// A new directory of the disk, removed at the end.
class TempDir {
 public:
  TempDir() : path_((std::filesystem::temp_directory_path() / "leash-test-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp: " + path_);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const noexcept { return path_; }
  std::string operator/(const std::string& name) const { return path_ + '/' + name; }

 private:
  std::string path_;
};

/// How many descriptors this process has open.
inline std::size_t count_of_open_descriptors() {
  using Listing = std::filesystem::directory_iterator;
  return static_cast<std::size_t>(std::distance(Listing("/proc/self/fd"), Listing()));
}
