#pragma once

#include <cstdint>
#include <iosfwd>
#include <leash/config.hpp>
#include <leash/result.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::net {

/// Where a listener or one end of a connection is. Prints as `127.0.0.1:8080` or `[::1]:80`.
struct Address {
  std::string network;  ///< "tcp".
  std::string host;     ///< Without brackets; an IPv6 address may have a zone: `fe80::1%eth0`.
  std::uint16_t port = 0;

  friend bool operator==(const Address&, const Address&) = default;
};

std::string to_string(const Address& address);
std::ostream& operator<<(std::ostream& out, const Address& address);

/// What stands before and after the last colon of `localhost:8080`.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;

  friend bool operator==(const HostPort&, const HostPort&) = default;
};

/// Splits `host:port`, `[host]:port` or `[host%zone]:port`. The host may be empty; an IPv6 address needs its brackets;
/// the port is a number (names of services are not looked up). Errors: `invalid_argument` with a detail that says what
/// is wrong with the text.
[[nodiscard]] Result<HostPort> split_host_port(std::string_view text);

/// The reverse: puts a host that contains a colon in brackets.
[[nodiscard]] std::string join_host_port(std::string_view host, std::uint16_t port);

}  // namespace LEASH_NAMESPACE::net

template <>
inline constexpr bool leash::detail::printable<leash::net::Address> = true;
