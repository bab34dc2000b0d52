#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// How many columns `text` takes on a terminal, by its code points; none for colours (SGR).
std::size_t columns(std::string_view text) noexcept;

/// `text` with `…` in the place of its middle, if it takes more than `width` columns; its end is what tells most, so of
/// what stays it gets more. Cut between code points only. Of width 0: nothing.
std::string shorten_middle(std::string_view text, std::size_t width);

/// Words in lines of at most `width` columns, each after `indent`, the first one after `first` instead. A word that is
/// longer has a line of its own. Ends with a newline.
std::string wrap(std::string_view first, std::string_view text, std::string_view indent, std::size_t width);

}  // namespace LEASH_NAMESPACE::track::detail
