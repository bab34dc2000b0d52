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
/// After `close`, every operation fails with `bad_file_descriptor`. Errors name the operation and the path it was
/// opened by.
class Dir {
 public:
  Dir(const Dir&) = delete;
  Dir& operator=(const Dir&) = delete;
  virtual ~Dir();

  /// Returns the next entries, at most `max`, in any order and without `.` and `..`. An empty vector means that all
  /// entries were returned before, or that `max` is 0. A name that is created or removed while the directory is being
  /// listed may be returned or left out. In a range-for loop write `leash::take(dir.read(…))` and not
  /// `dir.read(…).value()`: see `leash::take`.
  [[nodiscard]] Result<std::vector<DirEntry>> read(std::size_t max,
                                                   std::source_location site = std::source_location::current());

  /// Returns the metadata of the directory itself. Errors: `operation_not_supported` if the implementation lacks it.
  [[nodiscard]] Result<FileInfo> stat(std::source_location site = std::source_location::current());

  /// Closes the directory. It is closed afterwards even if this returns an error.
  [[nodiscard]] Result<void> close(std::source_location site = std::source_location::current());

  /// The descriptor of the directory, which still owns it; -1 if the directory has none, and after `close`.
  int native_handle() const noexcept { return do_native_handle(); }

  /// The path the directory was opened by. The view is valid as long as this object.
  std::string_view path() const noexcept LEASH_LIFETIMEBOUND { return do_path(); }

 protected:
  friend class ProxyDir;

  Dir() = default;

  /// What an implementation provides. By default `do_stat` fails with `operation_not_supported`, and
  /// `do_native_handle` returns -1.
  virtual Result<std::vector<DirEntry>> do_read(std::size_t max, std::source_location site) = 0;
  virtual Result<FileInfo> do_stat(std::source_location site);
  virtual Result<void> do_close(std::source_location site) = 0;
  virtual int do_native_handle() const noexcept;
  virtual std::string_view do_path() const noexcept = 0;
};

}  // namespace LEASH_NAMESPACE::fs
