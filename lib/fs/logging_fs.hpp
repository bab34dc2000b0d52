#pragma once

#include <leash/config.hpp>
#include <leash/fs/hooked_file_system.hpp>
#include <leash/function.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// A file system that tells what is done with it and its handles: a line for each operation, once that is over, with
/// the place in the source that called it, and with the error if it failed.
///
///     src/import.cpp:12: open data.csv (read)
///     src/import.cpp:14: File::read data.csv: 64 of 4096 bytes at 0
///     src/import.cpp:19: rename a -> b: No such file or directory
///
/// Control characters and the like in paths are escaped: a line is one line, and safe to print on a terminal. The form
/// of the lines is for people, and may change.
class LoggingFS final : public HookedFileSystem {
 public:
  /// `log` is called with each line, which has no newline and is valid during that call, by any number of threads at
  /// once; not after this object was destroyed. What it throws leaves the operation, which is done by then. Throws
  /// `std::logic_error` if it is empty.
  LoggingFS(FileSystem& inner, Function<void(std::string_view line)> log);

 protected:
  Result<void> around(Operation& operation, Next next) override;

 private:
  const Function<void(std::string_view line)> log_;
};

}  // namespace LEASH_NAMESPACE::fs
