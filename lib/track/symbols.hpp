#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/stack.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace LEASH_NAMESPACE::track {

/// One function on a stack, as far as it could be named.
struct Frame {
  std::uintptr_t address = 0;
  std::string function;       ///< Demangled and abridged for reading; empty if unknown.
  std::string file;           ///< As the compiler recorded it; empty if unknown.
  unsigned line = 0;          ///< 0 if unknown.
  bool inlined = false;       ///< Whether it is inlined into the next frame, and so has that one's address.
  std::string module;         ///< The path of the program or shared library, and
  std::uintptr_t offset = 0;  ///< where in it, as `addr2line -e module` takes it.
  std::error_code error;      ///< Why there may be more to know: there was a want of descriptors or memory.
};

/// The functions at `address`, the innermost inlined one first; never empty. Function, file, line and inlined frames
/// come from the debug information, in the file itself or a separate one, else names from the symbol table, else module
/// and offset alone. Libraries may be loaded and unloaded: the names are those of what is at the address now, or was
/// there last if no library was loaded since; else nothing is known.
///
/// Also where the process is out of descriptors: files are read by a thread with a table of its own then, where the
/// kernel allows it (Linux 5.9). What could not be read for want of descriptors or memory is told as `Frame::error`,
/// and read the next time.
///
/// An address is looked up once and then remembered. Thread-safe; may read files and allocate, so it is nothing for a
/// hot path or a signal handler. A child that is forked from a program with several threads may call it, unless one
/// of them was in `dlopen` or `dlclose` then: in glibc the child would find its lock held.
[[nodiscard]] std::vector<Frame> resolve(std::uintptr_t address);

/// The frames of a whole stack, the innermost first.
[[nodiscard]] std::vector<Frame> resolve(const Stack& stack);

/// Whether a function, by its demangled name, is what the reader wrote: not of leash, of the standard library, of the
/// run-time that starts programs and threads, or of a test framework's runner.
[[nodiscard]] bool is_user_function(std::string_view function);

/// A demangled name abridged for reading: without what it returns and the words for unnamed namespaces, well-known
/// standard types by their short names, long parameter lists as `(…)`. Also takes what `std::source_location` calls a
/// function.
[[nodiscard]] std::string abridge(std::string_view function);

}  // namespace LEASH_NAMESPACE::track
