#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>

// For functions that read the words of a stack as they lie there: what a sanitizer put between variables is no error.
#define LEASH_READS_RAW_STACK __attribute__((no_sanitize("address", "thread", "undefined")))

namespace LEASH_NAMESPACE::track::detail {

/// Where a walk begins: what the registers hold when a function has returned to its caller.
struct Registers {
  std::uintptr_t pc = 0;  // the return address
  std::uintptr_t sp = 0;
  std::uintptr_t bp = 0;
};

/// Where a walk's addresses go: `depth` of them, after the first `skip`.
struct Output {
  std::uintptr_t* addresses = nullptr;
  std::size_t depth = 0;
  std::size_t skip = 0;
};

/// Each mechanism (see Unwinder) writes the addresses of the frame that `from` is in and of its callers, and returns
/// how many it wrote. `from` must be a frame of the calling thread that stays while the function runs.
std::size_t walk_tables(Registers from, Output out) noexcept;
std::size_t walk_frame_pointers(Registers from, Output out) noexcept;

/// The same; with `sp` 0 any frame with that `pc` is taken. `*interrupts` is set if a signal handler is among all the
/// frames of the thread, which are then all visited.
std::size_t walk_system(Registers from, Output out, bool* interrupts = nullptr) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
