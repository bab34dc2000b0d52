#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <vector>

namespace LEASH_NAMESPACE::track {

/// Where a thread was: the addresses of the calls on its stack, the innermost first. Only numbers; `symbols.hpp` gives
/// them names. Each address lies in the call instruction, not behind it, so that it can be looked up as it is.
struct Stack {
  std::vector<std::uintptr_t> addresses;

  friend bool operator==(const Stack&, const Stack&) = default;
};

/// The most addresses that a Stack keeps.
inline constexpr std::size_t max_depth = 256;

/// How a stack is walked. On other processors than x86-64 it is always `system`.
enum class Unwinder : unsigned char {
  /// By the unwind tables of the code (`.eh_frame`), with a rule kept for each return address. Right whether or not the
  /// code keeps frame pointers, also through signal handlers and code that was loaded or unloaded meanwhile. Code
  /// without tables is left to `system`.
  tables,

  /// By the compiler's `_Unwind_Backtrace`, which is some hundred times slower.
  system,
};

/// The stack of the caller: at most `depth` addresses (or `max_depth`, if less), without the innermost `skip` of them,
/// not counting this function. Truncated where frames have no unwind tables. Thread-safe.
[[nodiscard]] Stack capture_stack(std::size_t depth, std::size_t skip = 0, Unwinder unwinder = Unwinder::tables);

}  // namespace LEASH_NAMESPACE::track
