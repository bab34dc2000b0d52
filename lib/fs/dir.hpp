#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <leash/fs/dir_entry.hpp>
#include <leash/fs/file_info.hpp>
#include <leash/result.hpp>
#include <source_location>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::fs {

/// An open directory, for listing it in pieces. The destructor closes it.
///
/// One thread at a time may use it. It may outlive the file system, the decorators and the Context it was opened with.
/// After `close`, every operation fails with `bad_file_descriptor`.
class Dir {
 public:
  Dir(const Dir&) = delete;
  Dir& operator=(const Dir&) = delete;
  virtual ~Dir();

  /// The next entries, at most `max` of them, in any order; none at the end, or if `max` is 0. Never `.` and `..`.
  /// A name that is created or removed meanwhile may or may not be among them. Loop over `leash::take(dir.read(…))`,
  /// not over `.value()` of it.
  [[nodiscard]] Result<std::vector<DirEntry>> read(std::size_t max,
                                                   std::source_location site = std::source_location::current());

  /// What is known of the directory itself.
  [[nodiscard]] Result<FileInfo> stat(std::source_location site = std::source_location::current());

  /// Closes the directory. Whatever it returns, the directory counts as closed.
  [[nodiscard]] Result<void> close(std::source_location site = std::source_location::current());

  /// The descriptor behind the directory; -1 where there is none, and after `close`.
  int native_handle() const noexcept { return do_native_handle(); }

  /// The path the directory was opened by. Lives as long as this.
  std::string_view path() const noexcept LEASH_LIFETIMEBOUND { return do_path(); }

 protected:
  friend class ProxyDir;

  Dir() = default;

  virtual Result<std::vector<DirEntry>> do_read(std::size_t max, std::source_location site) = 0;
  virtual Result<FileInfo> do_stat(std::source_location site);
  virtual Result<void> do_close(std::source_location site) = 0;
  virtual int do_native_handle() const noexcept;
  virtual std::string_view do_path() const noexcept = 0;
};

}  // namespace LEASH_NAMESPACE::fs
