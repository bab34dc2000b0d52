#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::detail {

/// Makes `text` safe to print on a terminal, in one line: control characters, marks of direction, characters of zero
/// width and bytes that are not valid UTF-8 (RFC 3629) become escapes as in C, `\n` or `\x1b`. About `max_bytes` bytes
/// of the text are kept; of a longer one the rest is replaced by `…` and the length of the whole text. Backslashes stay
/// as they are, so the result cannot be parsed back.
std::string escape(std::string_view text, std::size_t max_bytes = 512);

}  // namespace LEASH_NAMESPACE::detail
