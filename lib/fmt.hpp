#pragma once

#include <fmt/format.h>

#include <leash/config.hpp>
#include <string_view>

/// Formats every type of leash that has a `to_string`: `fmt::format("{}", error)`. Takes the format specification of a
/// string.
///
/// For programs that use fmt (9 or newer), which find it and link with it themselves: `find_package(fmt)`, `fmt::fmt`.
/// The targets of leash bring no header of it.
template <class T>
  requires leash::detail::printable<T>
struct fmt::formatter<T> : fmt::formatter<std::string_view> {
  template <class FormatContext>
  auto format(const T& value, FormatContext& context) const {
    return fmt::formatter<std::string_view>::format(to_string(value), context);
  }
};
