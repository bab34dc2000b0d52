#pragma once

#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::track::detail {

inline constexpr std::uintptr_t page_size = 4096;

/// What may be read of the stack of the calling thread: everything from the stack pointer up to `top`, as long as the
/// stack pointer is in [low, top).
///
/// The own stack of a thread is known by its top. Of the main thread that is where the kernel put it, and under it is
/// nothing but stack for as far as the stack may grow. In any other thread glibc keeps the thread's own data at the top
/// of its stack; `low` goes down with the deepest stack pointer that was seen, after every page in between was found
/// to be readable. A page that is not readable shows that what lies under it is no part of this stack: `floor` is
/// above.
///
/// Any other stack (a fibre's, one for signals) may be gone when the thread is next on it, so nothing of it is kept:
/// each of its pages is tried again in each walk, by a system call that fails for memory that cannot be read.
struct OwnStack {
  // A signal handler may find one word set and another not yet: this way such a stack is nobody's.
  std::uintptr_t low = UINTPTR_MAX;
  std::uintptr_t top = 0;
  std::uintptr_t floor = 0;
};

extern constinit thread_local OwnStack own_stack;

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
