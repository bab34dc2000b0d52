#pragma once

#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::track::detail {

inline constexpr std::uintptr_t page_size = 4096;

/// The stack of the calling thread: all of [low, top) can be read, from any stack pointer in there up to `top`.
///
/// Of the main thread this is found when it is first needed: it begins where the kernel put it, and under it is nothing
/// but stack for as far as the stack may grow. Of any other thread it is known from `know_own_stack` on; until then its
/// stack is treated as any other.
///
/// Any other stack (a fibre's, one for signals) may be gone when the thread is next on it, so nothing of it is kept:
/// each of its pages is tried again in each walk, by a system call that fails for memory that cannot be read.
struct OwnStack {
  // A signal handler may find one word set and another not yet: this way such a stack is nobody's.
  std::uintptr_t low = UINTPTR_MAX;
  std::uintptr_t top = 0;
};

extern constinit thread_local OwnStack own_stack;

/// Asks the system for the stack of the calling thread, once. Not in a signal handler, for it may allocate.
void know_own_stack() noexcept;

/// Up to where the stack that `sp` is in may be read: the top of the own stack, or the end of the page of another's;
/// 0 if that page cannot be read. Async-signal-safe, allocates nothing, leaves errno alone.
std::uintptr_t find_readable_end(std::uintptr_t sp) noexcept;

/// Whether the page of `address` can be read. Async-signal-safe, allocates nothing, leaves errno alone.
bool is_page_readable(std::uintptr_t address) noexcept;

/// `find_readable_end` for a stack pointer in use, and quick if that is in the own stack.
inline std::uintptr_t readable_end(std::uintptr_t sp) noexcept {
  const OwnStack& own = own_stack;
  return sp >= own.low && sp < own.top ? own.top : find_readable_end(sp);
}

/// Whether [end, to) can be read too, for an `end` that `find_readable_end` or this function gave. Then `end` becomes
/// the end of the page of `to`. Of the own stack nothing more can be read.
bool extend_readable(std::uintptr_t& end, std::uintptr_t to) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
