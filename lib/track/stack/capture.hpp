#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/stack.hpp>
#include <span>

namespace LEASH_NAMESPACE::track::detail {

/// Writes the addresses of the caller's stack to `out`, which has room for `depth`, without the innermost `skip` of
/// them (this function itself not counted), as `capture_stack` does. Returns how many. Thread-safe; allocates nothing,
/// and is async-signal-safe where the C library has `_dl_find_object` (glibc 2.35), elsewhere once every frame has been
/// seen.
std::size_t capture_addresses(Unwinder unwinder, std::uintptr_t* out, std::size_t depth, std::size_t skip) noexcept;

/// Gives a stack a number that stands for it, or 0 if it could not be stored. `site` belongs to the key.
using InternStack = std::uint32_t (*)(std::uint32_t site, std::span<const std::uintptr_t> addresses) noexcept;

/// What a stack is captured for. A thread's last one for each purpose is remembered, so that the next costs less.
enum class Purpose : std::uint8_t { opening, closing };
inline constexpr std::size_t purposes = 2;

/// The number of the caller's stack, without the innermost `skip` frames (this function itself not counted), as
/// `intern` gives it. At most `max_depth` addresses. Otherwise as `capture_addresses`.
std::uint32_t capture_stack_id(Unwinder unwinder, std::size_t depth, std::size_t skip, std::uint32_t site,
                               InternStack intern, Purpose purpose = Purpose::opening) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
