#pragma once

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <leash/fs/disk_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/write_file.hpp>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>

#include "temp_dir.hpp"

/// The file systems that the common tests run on. Each starts with an empty root.
class OnMemory {
 public:
  leash::fs::FileSystem& files() { return files_; }

 private:
  leash::fs::MemoryFS files_;
};

template <bool use_openat2>
class OnDisk {
 public:
  OnDisk() {
    // As in memory.
    ::umask(022);
    ::chmod(directory_.path().c_str(), 0755);
  }
  leash::fs::FileSystem& files() { return files_; }

 private:
  TempDir directory_;
  leash::fs::DiskFS files_ =
      leash::fs::DiskFS::open_root(leash::Context(), directory_.path(), {.use_openat2 = use_openat2}).value();
};

using OnDiskByKernel = OnDisk<true>;
using OnDiskByWalk = OnDisk<false>;

TYPE_TO_STRING(OnMemory);
TYPE_TO_STRING(OnDiskByKernel);
TYPE_TO_STRING(OnDiskByWalk);

/// A test that runs on each of them: `files` is the FileSystem, and `ctx` a Context.
#define LEASH_FS_TEST(name) TEST_CASE_TEMPLATE(name, Subject, OnMemory, OnDiskByKernel, OnDiskByWalk)

/// The code that a Result failed with; none if it did not.
template <class T>
std::error_code code_of(const leash::Result<T>& result) {
  return result ? std::error_code() : result.error().code();
}

template <class T>
std::string text_of(const leash::Result<T>& result) {
  return result ? "success" : to_string(result.error());
}

/// Makes a file; what is in the way is a failure of the test.
inline void put(leash::fs::FileSystem& files, std::string_view path, std::string_view content = "") {
  const auto written = leash::fs::write_file(leash::Context(), files, path, content);
  REQUIRE_MESSAGE(written, text_of(written));
}

inline std::string get(leash::fs::FileSystem& files, std::string_view path) {
  const auto content = leash::fs::read_file(leash::Context(), files, path);
  return content ? *content : to_string(content.error());
}
