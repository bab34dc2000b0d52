#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::net::detail {

/// The text that `write(char*)`, which returns its end, writes to a place for at most `most` bytes. Names of
/// connections are made so: one is made for each that is tracked.
template <class Write>
std::string make_text(std::size_t most, Write write) {
  std::string text;
  text.resize_and_overwrite(most, [&](char* to, std::size_t) { return static_cast<std::size_t>(write(to) - to); });
  return text;
}

/// Stands between the ends of a connection.
inline constexpr std::string_view arrow = " -> ";

}  // namespace LEASH_NAMESPACE::net::detail
