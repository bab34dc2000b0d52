#pragma once

#include <cstddef>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::fs::detail {

/// Lets the system copy up to `size` bytes from the position of one regular file to that of another one, and moves both
/// behind them. Returns how many it copied; 0 where the file ends, and where the system cannot, for whatever reason:
/// who then reads and writes finds out which.
[[nodiscard]] std::size_t copy_range(int from, int to, std::size_t size) noexcept;

}  // namespace LEASH_NAMESPACE::fs::detail
