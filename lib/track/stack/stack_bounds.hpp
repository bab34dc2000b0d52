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
/// Any other stack (a fibre's, one for signals) may be gone when the thread is next on it, so in each walk its pages
/// are tried anew, but for the one that the thread is on: by a system call for every two, which fails for memory that
/// cannot be read. Only where the last such stack ended is remembered, so that nobody asks for the page behind it.
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

/// The same for a stack pointer in use, the word under which was just read: the end of that word's page.
std::uintptr_t find_end_in_use(std::uintptr_t sp) noexcept;

/// Whether the page of `address` can be read. Async-signal-safe, allocates nothing, leaves errno alone.
bool is_page_readable(std::uintptr_t address) noexcept;

/// `find_end_in_use`, and quick if that is in the own stack.
inline std::uintptr_t readable_end(std::uintptr_t sp) noexcept {
  const OwnStack& own = own_stack;
  return sp >= own.low && sp < own.top ? own.top : find_end_in_use(sp);
}

/// Whether [end, to) can be read too, for an `end` that one of those or this function gave. Then `end` becomes the end
/// of the page of `to`, or of the next one. Of the own stack nothing more can be read.
bool extend_readable(std::uintptr_t& end, std::uintptr_t to) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
