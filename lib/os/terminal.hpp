#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <optional>

namespace LEASH_NAMESPACE::os {

/// How many columns the terminal behind a descriptor has; nothing if there is none, or it does not tell.
std::optional<std::size_t> terminal_width(int descriptor) noexcept;

/// Whether a terminal is behind a descriptor that shows colours, and wants to: not if the environment has `NO_COLOR`
/// (no-color.org), `TERM=dumb`, or no TERM.
bool takes_color(int descriptor) noexcept;

}  // namespace LEASH_NAMESPACE::os
