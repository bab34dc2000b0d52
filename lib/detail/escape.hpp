#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::detail {

/// Makes `text` fit for a terminal and for one line: control characters, marks of direction, characters without width
/// and bytes that are not valid UTF-8 (RFC 3629) become escapes, as in a string of C. At most about `max_bytes` bytes
/// of the text are kept; the rest is replaced by `…` and its length. A backslash stays as it is: the result is for
/// people, not for parsing back.
std::string escape(std::string_view text, std::size_t max_bytes = 512);

}  // namespace LEASH_NAMESPACE::detail
