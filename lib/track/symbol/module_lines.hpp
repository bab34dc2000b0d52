#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/modules.hpp>
#include <leash/track/symbol/line_table.hpp>
#include <memory>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// Finds the lines and functions that addresses come from in the debug information of their modules' own files, where
/// libbacktrace does not. libbacktrace finds nothing for some functions whose code lies among functions that several
/// units contain (templates, and members defined in their class, if not inlined); and of a function without a mangled
/// name it knows only the unqualified name. For one thread at a time. Reads each file once, at most
/// `max_files` of them.
class ModuleLines {
 public:
  static constexpr std::size_t max_files = 64;

  ModuleLines();
  ~ModuleLines();
  ModuleLines(const ModuleLines&) = delete;
  ModuleLines& operator=(const ModuleLines&) = delete;

  /// The line that the code at `address` comes from. `address` is one in memory, and lies in `module`.
  ///
  /// Line 0 if it is not known: the module's file was deleted or replaced, or has no line table or a compressed one; or
  /// there are too many files. If descriptors or memory ran out, `shortage` becomes the errno; the next call tries
  /// again.
  SourceLine find_line(std::uintptr_t address, const os::ModuleRef& module, int& shortage);

  /// The functions that the code at `address` comes from (`ScopedNames::find`). Empty, and `shortage` set, in the
  /// same cases as in `find_line`.
  std::vector<std::string> find_functions(std::uintptr_t address, const os::ModuleRef& module, int& shortage);

 private:
  class File;

  /// The file of `module`, opened if need be. Null if there are too many files, or if `shortage` became an errno.
  File* file_of(const os::ModuleRef& module, int& shortage);

  std::vector<std::unique_ptr<File>> files_;
};

/// Whether the debug information in the file at `path` is compressed by zstd. leash does not read that; libbacktrace
/// does from GCC 13 on. False if the file cannot be read.
bool is_compressed_by_zstd(const std::string& path);

}  // namespace LEASH_NAMESPACE::track::detail
