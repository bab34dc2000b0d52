#pragma once

#include <chrono>
#include <expected>
#include <leash/config.hpp>
#include <leash/net/detail/socket_address.hpp>
#include <leash/os/descriptor.hpp>
#include <system_error>

namespace LEASH_NAMESPACE::net::detail {

/// How a TCP connection is set up.
struct SocketOptions {
  std::chrono::seconds keep_alive{};
  bool no_delay = true;
};

/// A new TCP socket: non-blocking, closed on exec.
[[nodiscard]] std::expected<os::Descriptor, std::error_code> open_socket(int family) noexcept;

/// The next connection of a listening socket and where it comes from: non-blocking, closed on exec.
[[nodiscard]] std::expected<os::Descriptor, std::error_code> accept_socket(int listener,
                                                                           SocketAddress& remote) noexcept;

/// What the system refuses stays as it was: a connection without keep-alive is better than none.
void apply(const SocketOptions& options, int socket) noexcept;

}  // namespace LEASH_NAMESPACE::net::detail
