#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// How many columns `text` takes on a terminal: one for each code point, two for each that is wide (as Chinese ones
/// are), none for escape sequences that set a colour (SGR, up to their `m`).
std::size_t columns(std::string_view text) noexcept;

/// `text` if it fits into `width` columns; else its beginning, `…` and its end, in `width` columns or, beside a wide
/// one, one less. The end tells more, so it gets two thirds of them. Cuts only between code points. Empty if `width` is
/// 0. `text` has no escape sequences.
std::string shorten_middle(std::string_view text, std::size_t width);

/// `text` if it fits into `width` columns; else its beginning and `…`. Otherwise as `shorten_middle`.
std::string shorten_end(std::string_view text, std::size_t width);

/// The words of `text` in lines of at most `width` columns. The first line begins with `first`, the others with
/// `indent`. A word that does not fit has a line of its own, which is longer than `width`. Ends with a newline.
std::string wrap(std::string_view first, std::string_view text, std::string_view indent, std::size_t width);

}  // namespace LEASH_NAMESPACE::track::detail
