#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/stack.hpp>
#include <span>

namespace LEASH_NAMESPACE::track::detail {

/// Captures the stack of the calling thread from the function that calls this one, as `capture_stack` does: leaves out
/// the innermost `skip` addresses, writes at most `depth` others to `out`, and returns how many it wrote. Thread-safe;
/// allocates nothing. Async-signal-safe where the C library has `_dl_find_object` (glibc 2.35 or newer), elsewhere only
/// if the rule for every frame of the stack was looked up before.
std::size_t capture_addresses(Unwinder unwinder, std::uintptr_t* out, std::size_t depth, std::size_t skip) noexcept;

/// Stores a stack and returns its id, the same id for the same `site` and `addresses`; 0 if it could not be stored.
using InternStack = std::uint32_t (*)(std::uint32_t site, std::span<const std::uintptr_t> addresses) noexcept;

/// What a stack is captured for. Each thread remembers its last stack for each purpose: capturing a stack that is much
/// the same takes less time.
enum class Purpose : std::uint8_t { opening, closing, use };

/// The purposes that are remembered apart: of uses those at different sites too, since a thread that serves others
/// reads and writes by turns.
inline constexpr std::size_t use_count = 4;
inline constexpr std::size_t purpose_count = static_cast<std::size_t>(Purpose::use) + use_count;

/// Captures a stack as `capture_addresses` does, but never more than `max_depth` addresses, and returns the id that
/// `intern` gives it. Where the thread remembers the id of an equal stack, `intern` is not called.
std::uint32_t capture_stack_id(Unwinder unwinder, std::size_t depth, std::size_t skip, std::uint32_t site,
                               InternStack intern, Purpose purpose = Purpose::opening) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
