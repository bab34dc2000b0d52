#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <vector>

namespace LEASH_NAMESPACE::track {

/// The addresses of the calls on a thread's stack, the innermost first; `resolve` (symbols.hpp) finds their functions.
/// Each address lies inside the call instruction, not behind it as a return address does, so that it belongs to the
/// line of the call.
struct Stack {
  std::vector<std::uintptr_t> addresses;

  friend bool operator==(const Stack&, const Stack&) = default;
};

/// The largest number of addresses in a `Stack` that `capture_stack` returns.
inline constexpr std::size_t max_depth = 256;

/// How a stack is walked. On processors other than x86-64 all of these mean `system`.
enum class Unwinder : unsigned char {
  /// By the unwind tables of the code (`.eh_frame`), with a cache that keeps one rule for each return address. Correct
  /// with and without frame pointers, through signal handlers, and when libraries are loaded or unloaded meanwhile.
  /// Code whose tables are not found, such as code compiled at run time, is left to `system`.
  tables,

  /// By the compiler's `_Unwind_Backtrace`, which is some hundred times slower.
  system,
};

/// The stack of the caller, which is its innermost function: leaves out the innermost `skip` addresses, then takes at
/// most `depth`, and never more than `max_depth`. Ends early at code that no unwind tables describe. Thread-safe.
[[nodiscard]] Stack capture_stack(std::size_t depth, std::size_t skip = 0, Unwinder unwinder = Unwinder::tables);

}  // namespace LEASH_NAMESPACE::track
