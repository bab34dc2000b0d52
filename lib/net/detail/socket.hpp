#pragma once

#include <expected>
#include <leash/config.hpp>
#include <leash/net/detail/socket_address.hpp>
#include <leash/net/peer_credentials.hpp>
#include <leash/net/socket_options.hpp>
#include <leash/os/descriptor.hpp>
#include <system_error>

namespace LEASH_NAMESPACE::net::detail {

/// A new stream socket: non-blocking, closed on exec.
[[nodiscard]] std::expected<os::Descriptor, std::error_code> open_socket(int family) noexcept;

/// Accepts the next connection of a listening socket, and stores the address of the peer in `remote`. The new socket is
/// non-blocking and closed on exec.
[[nodiscard]] std::expected<os::Descriptor, std::error_code> accept_socket(int listener,
                                                                           SocketAddress& remote) noexcept;

/// The credentials of the peer of a connected socket: `operation_not_supported` if it is none of AF_UNIX.
[[nodiscard]] std::expected<PeerCredentials, std::error_code> peer_credentials_of(int socket) noexcept;

/// Sets the options of a TCP socket; of one that will listen, those of what it accepts, too. Ignores errors: a
/// connection without keep-alive is better than none.
void apply(const SocketOptions& options, int socket) noexcept;

/// A bind(2) of a TCP socket to port 0 leaves the choice of the port to connect(2), which knows the other end: the port
/// need not be one that no connection has (IP_BIND_ADDRESS_NO_PORT, ip(7)). Ignores errors.
void delay_choice_of_port(int socket) noexcept;

}  // namespace LEASH_NAMESPACE::net::detail
