#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <leash/config.hpp>
#include <leash/net/endpoint.hpp>
#include <leash/result.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::net {

/// The address of a listener, or of one end of a connection. Prints as `127.0.0.1:8080`, `[::1]:80` or `/run/socket`,
/// or as `(unnamed)` where an end of "unix" has no name.
struct Address {
  std::string network;  ///< "tcp" or "unix".

  /// Without brackets; an IPv6 address may have a zone: `fe80::1%eth0`. Of "unix" the path, an abstract name with its
  /// `@`, or nothing: the end that dialled has none.
  std::string host;

  std::uint16_t port = 0;  ///< Of "unix" 0.

  /// The Endpoint, of TCP where the host is a numeric address, as of every connection and listener of TCP that the
  /// system has made. Errors: `invalid_argument` for "unix", and for a host that is a name, such as one of a
  /// MemoryNetwork; `no_such_device` if the interface of the zone is gone.
  [[nodiscard]] Result<Endpoint> endpoint() const;

  friend bool operator==(const Address&, const Address&) = default;
};

std::string to_string(const Address& address);
std::ostream& operator<<(std::ostream& out, const Address& address);

/// The two parts of `localhost:8080`.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;

  friend bool operator==(const HostPort&, const HostPort&) = default;
};

/// Splits `host:port`, `[host]:port` or `[host%zone]:port`. The host may be empty. An IPv6 address must be in brackets.
/// The port must be a number: service names are not looked up. Errors: `invalid_argument`, with a detail that says what
/// is wrong with the text.
[[nodiscard]] Result<HostPort> split_host_port(std::string_view text);

/// Makes `host:port`, or `[host]:port` of a host that contains a colon: the reverse of `split_host_port`.
[[nodiscard]] std::string join_host_port(std::string_view host, std::uint16_t port);

}  // namespace LEASH_NAMESPACE::net

template <>
inline constexpr bool leash::detail::printable<leash::net::Address> = true;

template <>
struct std::hash<leash::net::Address> {
  std::size_t operator()(const leash::net::Address& address) const noexcept;
};
