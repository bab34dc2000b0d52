#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::fs::detail {

/// How much text is searched at once, and how many offsets there must be room for: a few more than may be found.
inline constexpr std::size_t newlines_window = 4096;
inline constexpr std::size_t newlines_room = newlines_window + 4;

/// Writes the offset of each `\n` in the `size` bytes of `text`, at most `newlines_window`, to `offsets`. Returns how
/// many there are. What stands behind these in `offsets` is overwritten.
[[nodiscard]] std::size_t find_newlines(const char* text, std::size_t size, std::uint16_t* offsets) noexcept;

}  // namespace LEASH_NAMESPACE::fs::detail
