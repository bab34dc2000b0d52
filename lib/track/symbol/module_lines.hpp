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

/// The lines and functions that addresses come from, by the debug information in the files of their modules. For what
/// libbacktrace does not find: it takes a function for nobody's if it lies between others that several units share
/// (templates, and members defined in their class, where the compiler does not inline), and has no more than the bare
/// name of one without a mangled name. For one thread at a time. Each file is read once, and at most `max_files`.
class ModuleLines {
 public:
  static constexpr std::size_t max_files = 64;

  ModuleLines();
  ~ModuleLines();
  ModuleLines(const ModuleLines&) = delete;
  ModuleLines& operator=(const ModuleLines&) = delete;

  /// Line 0 where the file is gone or another one, or has no table, or a compressed one. `want` becomes the errno if it
  /// could not be read for want of descriptors or memory; it is read the next time then.
  SourceLine find(std::uintptr_t address, const os::ModuleRef& module, int& want);

  /// See `FunctionNames::find`. Nothing in the same cases.
  std::vector<std::string> functions(std::uintptr_t address, const os::ModuleRef& module, int& want);

 private:
  class File;

  /// Null if there are too many, or for want.
  File* file_of(const os::ModuleRef& module, int& want);

  std::vector<std::unique_ptr<File>> files_;
};

/// Whether the debug information in a file is compressed by zstd, which is not read, unless libbacktrace can (GCC 13).
bool is_compressed_by_zstd(const std::string& path);

}  // namespace LEASH_NAMESPACE::track::detail
