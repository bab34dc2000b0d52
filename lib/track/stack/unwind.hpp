#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/stack/capture.hpp>

// For functions that read the words of a stack as they lie there: what a sanitizer put between variables is no error.
#define LEASH_READS_RAW_STACK __attribute__((no_sanitize("address", "thread", "undefined")))

namespace LEASH_NAMESPACE::track::detail {

/// Where a walk begins: what the registers hold when a function has returned to its caller.
struct Registers {
  std::uintptr_t pc = 0;  // the return address
  std::uintptr_t sp = 0;
  std::uintptr_t bp = 0;
};

/// Where a walk by the tables is.
struct Position {
  // The return address: one more than the address that the frame is known by. So also where a signal interrupted it.
  std::uintptr_t next = 0;
  std::uintptr_t sp = 0;
  std::uintptr_t bp = 0;
  // Up to where the stack that sp is in may be read.
  std::uintptr_t end = 0;
};

LEASH_READS_RAW_STACK inline std::uintptr_t word_at(std::uintptr_t address) noexcept {
  return *reinterpret_cast<const std::uintptr_t*>(address);
}

/// Where a walk's addresses go: `depth` of them, after the first `skip`.
struct Output {
  std::uintptr_t* addresses = nullptr;
  std::size_t depth = 0;
  std::size_t skip = 0;
};

/// Writes the addresses of the frame that begins there (see Registers) and of its callers, found by the unwind tables,
/// and returns how many it wrote. It must be a frame of the calling thread that stays while the function runs. Six
/// words, for these are passed in registers; structures would not be.
std::size_t walk_tables(std::uintptr_t pc, std::uintptr_t sp, std::uintptr_t bp, std::uintptr_t* addresses,
                        std::size_t depth, std::size_t skip) noexcept;

/// How much of a stack is wanted, and what for. One word, for the same reason.
struct Wanted {
  std::uint32_t skip;
  std::uint16_t depth;  // Not 0, and at most `max_depth`.
  Purpose purpose;

  friend bool operator==(Wanted, Wanted) noexcept = default;
};

/// The same, and what `intern` gives for the stack (see `capture_stack_id`). A thread's last stack is known without
/// `intern`.
std::uint32_t number_by_tables(std::uintptr_t pc, std::uintptr_t sp, std::uintptr_t bp, Wanted wanted,
                               std::uint32_t site, InternStack intern) noexcept;

/// As `walk_tables`, by `_Unwind_Backtrace`; with `sp` 0 any frame with that `pc` is taken.
std::size_t walk_system(Registers from, Output out) noexcept;

/// Where the caller of a frame is, if there is one, and whether a signal interrupted it. `to.end` is as it was.
struct PassedFrame {
  bool passed = false;
  bool interrupted = false;
  Position to;
};

/// Goes from a frame of the calling thread to its caller by `_Unwind_Backtrace`, which reads whatever it is led to.
PassedFrame pass_by_system(const Position& at) noexcept;

/// Whether `_Unwind_Backtrace` comes to the end of the calling thread's stack, within some number of frames, and no
/// signal interrupted any of them.
bool is_free_of_signals_by_system() noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
