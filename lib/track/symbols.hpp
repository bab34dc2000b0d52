#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/stack.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace LEASH_NAMESPACE::track {

/// One function on a stack, with what is known of it.
struct Frame {
  std::uintptr_t address = 0;
  std::string function;  ///< Demangled and abridged for reading; empty if unknown.
  std::string file;      ///< As the compiler recorded it; empty if unknown.
  unsigned line = 0;     ///< 0 if unknown.
  bool inlined = false;  ///< Whether it is inlined into the function of the next frame, which has the same address.
  std::string module;    ///< The path of the program or shared library that `address` lies in; empty if unknown.
  std::uintptr_t offset = 0;  ///< `address` as an address in the file `module`: what `addr2line -e module` takes.
  std::error_code error;      ///< Set if a file could not be read because descriptors or memory ran out (`resolve`).
};

/// The functions that the code at `address` comes from, the innermost inlined one first; never empty.
///
/// - With debug information, in the module's file or in a separate one: function, file, line and inlined frames.
/// - Else, with a symbol table: one frame with the function's name.
/// - Else: one frame with module and offset alone.
///
/// The module is the one that is at `address` now. If that was unloaded and no library was loaded since, it is the
/// unloaded one, as far as its names can still be found. Else nothing but the address is known.
///
/// If the process is out of descriptors, a thread with a descriptor table of its own reads the files, where the kernel
/// allows it (Linux 5.9). If a file still could not be read because descriptors or memory ran out, `Frame::error` says
/// so in each frame, and the next call reads it again. Otherwise the frames of an address are cached.
///
/// Thread-safe. Not for hot paths or signal handlers: it may read files and allocates memory. It may be called in a
/// child forked from a program with several threads, unless one of these was in `dlopen` or `dlclose` at the fork:
/// with glibc the child finds the lock of the dynamic linker held.
[[nodiscard]] std::vector<Frame> resolve(std::uintptr_t address);

/// The frames of all addresses of `stack`, the innermost first; otherwise as `resolve` of one address.
[[nodiscard]] std::vector<Frame> resolve(const Stack& stack);

/// Whether `function`, a demangled name, is likely to be the user's own code: false for functions of leash, the
/// standard library, Asio, the run-time that starts programs and threads, sanitizers, and the runners of test
/// frameworks. Thread-safe.
[[nodiscard]] bool is_user_function(std::string_view function);

/// A shorter form of `function` for reports: without the return type, template arguments that the compiler lists behind
/// the signature, and unnamed namespaces; `std::string` for `std::basic_string<…>`, and the like; `(…)` for parameters
/// if the name is long; at most some 160 bytes. `function` is a demangled name, or what
/// `std::source_location::function_name` returns. Thread-safe.
[[nodiscard]] std::string abridge(std::string_view function);

}  // namespace LEASH_NAMESPACE::track
