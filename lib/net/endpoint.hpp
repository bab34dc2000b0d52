#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <leash/config.hpp>
#include <leash/net/ip_address.hpp>
#include <leash/result.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::net {

/// An IP address and a port: where a TCP connection ends. A value; prints as `127.0.0.1:8080` or `[::1]:80`.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  /// Reads what `to_string` writes. Errors: `invalid_argument`, with a detail that says what is wrong with the text;
  /// `no_such_device`.
  [[nodiscard]] static Result<Endpoint> parse(std::string_view text);

  friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) noexcept = default;
};

std::string to_string(const Endpoint& endpoint);
std::ostream& operator<<(std::ostream& out, const Endpoint& endpoint);

}  // namespace LEASH_NAMESPACE::net

template <>
inline constexpr bool leash::detail::printable<leash::net::Endpoint> = true;

template <>
struct std::hash<leash::net::Endpoint> {
  std::size_t operator()(const leash::net::Endpoint& endpoint) const noexcept;
};
