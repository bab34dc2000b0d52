#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/stack/capture.hpp>

// For functions that read any word of a stack, whatever it belongs to. A sanitizer would report that, for example where
// it has put red zones between variables.
#define LEASH_READS_RAW_STACK __attribute__((no_sanitize("address", "thread", "undefined")))

namespace LEASH_NAMESPACE::track::detail {

/// Where a walk begins: the registers as they are when a function has returned to `return_address` in its caller. The
/// caller's frame is the first frame of the walk.
struct Registers {
  std::uintptr_t return_address = 0;
  std::uintptr_t sp = 0;
  std::uintptr_t bp = 0;
};

/// The frame that a walk by the tables has come to.
struct Position {
  // Where the frame's function goes on. If a signal interrupted the function, the interrupted address + 1. So
  // `return_address - 1` lies in the instruction that the function is at: this is the address that a walk writes.
  std::uintptr_t return_address = 0;
  std::uintptr_t sp = 0;
  std::uintptr_t bp = 0;
  // Up to which address the stack that sp is in is known to be readable.
  std::uintptr_t end = 0;
};

LEASH_READS_RAW_STACK inline std::uintptr_t word_at(std::uintptr_t address) noexcept {
  return *reinterpret_cast<const std::uintptr_t*>(address);
}

/// What a walk writes: leaves out the first `skip` addresses, then writes at most `depth` to `addresses`.
struct Output {
  std::uintptr_t* addresses = nullptr;
  std::size_t depth = 0;
  std::size_t skip = 0;
};

/// Walks by the unwind tables from the frame that the first three arguments describe (see Registers), and writes its
/// address and those of its callers as the last three say (see Output). Returns how many it wrote. The frame must
/// belong to the calling thread and must not return while this function runs; `depth` must not be 0. Takes six words
/// instead of two structures, because those would be passed in memory, the words in registers.
std::size_t walk_tables(std::uintptr_t return_address, std::uintptr_t sp, std::uintptr_t bp, std::uintptr_t* addresses,
                        std::size_t depth, std::size_t skip) noexcept;

/// How much of a stack is wanted, and what for. Fits into one word, so that it is passed in a register.
struct Wanted {
  std::uint32_t skip;
  std::uint16_t depth;  // Not 0, and at most `max_depth`.
  Purpose purpose;

  friend bool operator==(Wanted, Wanted) noexcept = default;
};

/// Walks as `walk_tables` does, and returns the id that `intern` gives the stack (see `capture_stack_id`). If the stack
/// is the thread's last one for this purpose, with the same `site` and `wanted`, the id is remembered, and `intern` is
/// not called.
std::uint32_t stack_id_by_tables(std::uintptr_t return_address, std::uintptr_t sp, std::uintptr_t bp, Wanted wanted,
                                 std::uint32_t site, InternStack intern) noexcept;

/// As `walk_tables`, but by `_Unwind_Backtrace`. If `from.sp` is 0, begins with the innermost frame that has that
/// return address. `from.bp` is not used.
std::size_t walk_system(Registers from, Output out) noexcept;

/// What `find_caller_by_system` found: whether there is a caller, whether a signal interrupted it, and where it is.
/// `to.end` is still that of the frame that was asked about.
struct FoundCaller {
  bool found = false;
  bool interrupted = false;
  Position to;
};

/// Finds the caller of the frame `at` of the calling thread by `_Unwind_Backtrace`, which does not test whether what it
/// reads can be read.
FoundCaller find_caller_by_system(const Position& at) noexcept;

/// Whether a signal interrupted none of the frames that `_Unwind_Backtrace` shows, from this function on to where it
/// stops. False too if there are more than 1000.
bool is_free_of_signals_by_system() noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
