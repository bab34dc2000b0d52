#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/stack/unwind_rule.hpp>
#include <optional>
#include <span>

namespace LEASH_NAMESPACE::track::detail {

/// The unwind tables of a loaded program or library, as they lie in memory. Nothing outside of the two spans may be
/// read.
struct EhFrame {
  /// Begins with `.eh_frame_hdr`, the sorted index; may hold other data behind it.
  std::span<const std::byte> header;

  /// Holds `.eh_frame`, the entries; may hold other data before and behind it.
  std::span<const std::byte> frames;
};

/// The unwind tables of the program or library that `address` lies in; nullopt if it has none, or if there is no such
/// module. Valid as long as the module is loaded. Allocates nothing. With glibc 2.35 or newer lock-free and
/// async-signal-safe; otherwise it takes the loader's lock.
[[nodiscard]] std::optional<EhFrame> find_tables(std::uintptr_t address) noexcept;

/// The rule for a frame whose function is at the instruction that has `address` in it. The format is the Linux Standard
/// Base's `.eh_frame` with DWARF 4, §6.4. Returns
///
/// - `none` if no entry of the tables covers the address,
/// - `unsupported` if a rule cannot express what the entry says,
/// - `end` if the entry says that there is no caller, or if the tables are damaged: another unwinder would trust them.
///
/// Reads nothing outside of the memory named by `tables`, whatever is in there, and takes time in proportion to the
/// length of one function's entry. Allocates nothing. Async-signal-safe.
[[nodiscard]] UnwindRule find_rule(const EhFrame& tables, std::uintptr_t address) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
