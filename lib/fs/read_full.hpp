#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <leash/fs/file.hpp>
#include <leash/result.hpp>
#include <source_location>
#include <span>

namespace LEASH_NAMESPACE::fs {

/// Reads at the file's position until `buffer` is full or the file ends, however few bytes each `File::read` returns.
/// Returns the number of bytes read: less than `buffer.size()` only where the file ends. One thread at a time, as for
/// `File::read`. Errors: those of `read`; what was read before is in `buffer`, and the position is behind it.
[[nodiscard]] Result<std::size_t> read_full(File& file, std::span<std::byte> buffer,
                                            std::source_location site = std::source_location::current());

}  // namespace LEASH_NAMESPACE::fs
