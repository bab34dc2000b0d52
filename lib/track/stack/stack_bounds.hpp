#pragma once

#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::track::detail {

inline constexpr std::uintptr_t page_size = 4096;

/// The bounds of the stack that the calling thread was started on, its own stack. If the stack pointer is in [low,
/// top), everything from there up to `top` can be read.
///
/// For the main thread the bounds are set when a walk first needs them: `top` is where the kernel put the stack, and
/// `low` is as far down as the stack may grow, where the kernel maps nothing else. For any other thread
/// `know_own_stack` sets them; until then its stack is treated like the other stacks.
///
/// Other stacks (those of fibres and signal handlers) may be unmapped between two walks. So each walk tests their pages
/// before it reads them, except the page that the stack pointer is in. Each test is a system call that covers two pages
/// and fails if they cannot be read. The thread remembers only the end of the stack it tested last, and does not test
/// the page behind it again.
struct OwnStack {
  // A signal handler may run when only one of the two has been set. [low, top) is empty then, as it is at first.
  std::uintptr_t low = UINTPTR_MAX;
  std::uintptr_t top = 0;
};

extern constinit thread_local OwnStack own_stack;

/// Sets the bounds of the calling thread's own stack, which it gets from the system. Does nothing if they are set, or
/// on the main thread. Not for a signal handler: it may allocate.
void know_own_stack() noexcept;

/// Up to which address the stack that `sp` is in is known to be readable: the top of the own stack; for another stack
/// the end of the page of `sp`, which is tested, or 0 if that cannot be read. Async-signal-safe, allocates nothing,
/// leaves errno alone.
std::uintptr_t probe_stack_end(std::uintptr_t sp) noexcept;

/// As `probe_stack_end`, but tests nothing: the caller has just read the word under `sp`. For another stack than the
/// own one this is the end of that word's page.
std::uintptr_t find_used_stack_end(std::uintptr_t sp) noexcept;

/// Whether the page of `address` can be read. Async-signal-safe, allocates nothing, leaves errno alone.
bool is_page_readable(std::uintptr_t address) noexcept;

/// What `find_used_stack_end` returns; inline for the frequent case, the own stack.
inline std::uintptr_t used_stack_end(std::uintptr_t sp) noexcept {
  const OwnStack& own = own_stack;
  return sp >= own.low && sp < own.top ? own.top : find_used_stack_end(sp);
}

/// Tests whether [end, to) can be read too, where `end` came from one of these functions and `end < to`. Moves `end` up
/// past the pages that can be read: if the result is true, to the first page boundary at or above `to`, or to the one
/// after that. False if `end` is the top of the own stack.
bool extend_readable(std::uintptr_t& end, std::uintptr_t to) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
