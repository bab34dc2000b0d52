#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/stack/unwind_rule.hpp>
#include <optional>
#include <span>

namespace LEASH_NAMESPACE::track::detail {

/// The unwind tables of a loaded program or library, as they lie in memory.
struct EhFrame {
  /// The memory that may be read for `.eh_frame_hdr`; it begins there.
  std::span<const std::byte> header;

  /// The memory that may be read for `.eh_frame`; it lies somewhere in there.
  std::span<const std::byte> frames;
};

/// The unwind tables of the program or library that has `address` in it, if it has any. They stay as long as that is
/// loaded. Allocates nothing; lock-free and async-signal-safe with glibc 2.35 or newer, else under the loader's lock.
[[nodiscard]] std::optional<EhFrame> find_tables(std::uintptr_t address) noexcept;

/// The rule for the frame whose code is at `address`, as of the Linux Standard Base's `.eh_frame` and DWARF 4, §6.4.
/// `none` if the tables know nothing of that address, `unsupported` if they say what a rule cannot, and `end` if they
/// are damaged, for nobody should read on in those.
/// Reads nothing outside of the memory named by `tables`, whatever is in there, and takes time in proportion to the
/// length of one function's entry. Allocates nothing. Async-signal-safe.
[[nodiscard]] UnwindRule find_rule(const EhFrame& tables, std::uintptr_t address) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
