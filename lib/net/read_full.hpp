#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <leash/net/conn.hpp>
#include <leash/result.hpp>
#include <source_location>
#include <span>

namespace LEASH_NAMESPACE::net {

/// Reads until `buffer` is full or the stream ends, however few bytes each `Conn::read` returns. Returns the number of
/// bytes read: less than `buffer.size()` only at the end of the stream. Errors: those of `read`; what was read before
/// is in `buffer`, and lost if the caller does not know how much it is: set the deadline with care.
[[nodiscard]] Result<std::size_t> read_full(Conn& conn, std::span<std::byte> buffer,
                                            std::source_location site = std::source_location::current());

}  // namespace LEASH_NAMESPACE::net
