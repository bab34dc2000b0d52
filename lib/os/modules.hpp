#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <memory>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::os {

/// The program, or a shared library, as it lies in memory. Two that are equal have the same code at the same addresses.
struct Module {
  std::string path;          ///< Absolute where the kernel knows it, whatever the working directory is by now.
  std::uintptr_t bias = 0;   ///< What is added to an address in the file to get that in memory.
  std::uintptr_t begin = 0;  ///< Of its code and data in memory,
  std::uintptr_t end = 0;    ///< and one past it.
  bool program = false;
  bool deleted = false;    ///< Whether the file is gone; what is at `path` now is something else.
  bool irregular = false;  ///< Whether what is at `path` now is no file: to open it might wait for ever.
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified = 0;  ///< In nanoseconds.

  friend bool operator==(const Module&, const Module&) = default;
};

using ModuleRef = std::shared_ptr<const Module>;
using Modules = std::vector<ModuleRef>;

/// How many libraries were loaded since the program began; grows with each. While it stays the same, an address belongs
/// to the module that it belonged to, or, if that was unloaded, to none.
///
/// Thread-safe. Like all here it waits for no thread that is in `dlopen`, `dlclose` or a constructor of a library.
std::uint64_t modules_loaded() noexcept;

/// How many of them were unloaded. Takes the loader's lock: not for signal handlers.
std::uint64_t modules_unloaded() noexcept;

/// Whether the address lies in the program, which stays as long as the process does; may be false where the kernel does
/// not tell. Lock-free and async-signal-safe.
bool is_in_program(std::uintptr_t address) noexcept;

/// What is loaded now. Modules that are equal to those in `known` are the same objects. Thread-safe; reads files.
/// `want` becomes the errno if something failed for want of descriptors or memory: then less is known of the modules.
Modules loaded_modules(const Modules& known, int& want);

/// The one that `address` lies in, or null.
ModuleRef module_of(const Modules& modules, std::uintptr_t address);

}  // namespace LEASH_NAMESPACE::os
