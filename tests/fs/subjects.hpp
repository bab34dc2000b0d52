#pragma once

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <leash/fs/disk_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/write_file.hpp>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "all_tests.hpp"
#include "temp_dir.hpp"

/// The file systems that the common tests run on; the last two are compared with each other only, since links mean
/// something else there.
enum class On : unsigned char { memory, disk, disk_walked, disk_in_root, disk_in_root_walked };

/// One of them, with an empty root.
class Subject {
 public:
  explicit Subject(On on) {
    if (on == On::memory) {
      files_ = std::make_unique<leash::fs::MemoryFS>();
      return;
    }
    // As in memory.
    ::umask(022);
    directory_.emplace();
    ::chmod(directory_->path().c_str(), 0755);
    const bool in_root = on == On::disk_in_root || on == On::disk_in_root_walked;
    const leash::fs::DiskFS::Options options{.use_openat2 = on == On::disk || on == On::disk_in_root,
                                             .links = in_root ? leash::fs::Links::in_root : leash::fs::Links::beneath};
    files_ = std::make_unique<leash::fs::DiskFS>(
        leash::fs::DiskFS::open_root(leash::Context(), directory_->path(), options).value());
  }

  leash::fs::FileSystem& files() { return *files_; }

 private:
  std::optional<TempDir> directory_;
  std::unique_ptr<leash::fs::FileSystem> files_;
};

/// A test that runs on each of them: `on` is which. Not a template, since it would be compiled three times.
#define LEASH_FS_TEST(name) LEASH_FS_TEST_NAMED(name, true, DOCTEST_ANONYMOUS(fs_test_))
/// One that takes long, and is left out where not all tests are compiled.
#define LEASH_FS_LONG_TEST(name) LEASH_FS_TEST_NAMED(name, leash_test::all_tests, DOCTEST_ANONYMOUS(fs_test_))
#define LEASH_FS_TEST_NAMED(name, runs, body)                                                 \
  static void body(On on);                                                                    \
  TEST_CASE(name " <memory>" * doctest::skip(!(runs))) { body(On::memory); }                  \
  TEST_CASE(name " <disk>" * doctest::skip(!(runs))) { body(On::disk); }                      \
  TEST_CASE(name " <disk, paths walked>" * doctest::skip(!(runs))) { body(On::disk_walked); } \
  static void body([[maybe_unused]] On on)

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

inline std::vector<std::string> names_in(leash::fs::FileSystem& files, std::string_view directory) {
  std::vector<std::string> names;
  for (const auto& entry : leash::take(files.read_dir(leash::Context(), directory))) names.push_back(entry.name);
  return names;
}
