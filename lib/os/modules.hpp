#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <memory>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::os {

/// The program or a shared library, as it is loaded in memory. Two equal ones have the same code at the same addresses.
struct Module {
  std::string path;          ///< Absolute if the kernel tells it; else the name that it was loaded by.
  std::uintptr_t bias = 0;   ///< Address in memory minus address in the file.
  std::uintptr_t begin = 0;  ///< The first address of its segments in memory.
  std::uintptr_t end = 0;    ///< One past the last address.
  bool program = false;      ///< Whether it is the program, and not a library.
  bool deleted = false;      ///< Whether its file was deleted: a file at `path` now is another one.
  bool irregular = false;   ///< Whether `path` is now no regular file: opening it could block for ever, as with a FIFO.
  std::uint64_t inode = 0;  ///< 0 if not known.
  std::uint64_t size = 0;   ///< In bytes; 0 if not known.
  std::int64_t modified = 0;  ///< Nanoseconds since 1970; 0 if not known.

  friend bool operator==(const Module&, const Module&) = default;
};

using ModuleRef = std::shared_ptr<const Module>;
using Modules = std::vector<ModuleRef>;

/// How many modules have been loaded since the program began. While it stays the same, an address belongs to the same
/// module as before, or to none if that was unloaded.
///
/// Thread-safe. No function of this header waits for a thread in `dlopen`, `dlclose` or a library's constructor.
std::uint64_t modules_loaded() noexcept;

/// How many modules have been unloaded since the program began. Thread-safe. Locks a mutex of the dynamic linker, as
/// `modules_loaded` does: neither is for signal handlers.
std::uint64_t modules_unloaded() noexcept;

/// Whether `address` lies in the program, and so in code that is never unloaded. May be false for such an address if
/// the kernel does not tell where the program is. Lock-free and async-signal-safe.
bool is_in_program(std::uintptr_t address) noexcept;

/// The modules that are loaded now. A module equal to one in `known` is returned as that object. Thread-safe; reads
/// files. If the process or the system is out of descriptors or memory, `shortage` is set to the errno (see
/// `is_shortage`), and less is known of the modules; else `shortage` is left alone. Throws `std::bad_alloc`.
Modules loaded_modules(const Modules& known, int& shortage);

/// The module of `modules` that `address` lies in, or null.
ModuleRef module_of(const Modules& modules, std::uintptr_t address);

}  // namespace LEASH_NAMESPACE::os
