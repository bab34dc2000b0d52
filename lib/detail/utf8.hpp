#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::detail {

/// The length in bytes of the first character of `text`; 0 if that is not well-formed UTF-8 (RFC 3629, section 4).
std::size_t utf8_length(std::string_view text) noexcept;

/// Whether all of `text` is well-formed UTF-8.
bool is_utf8(std::string_view text) noexcept;

}  // namespace LEASH_NAMESPACE::detail
