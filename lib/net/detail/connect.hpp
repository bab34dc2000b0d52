#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/function.hpp>
#include <leash/net/detail/socket.hpp>
#include <leash/net/endpoint.hpp>
#include <leash/result.hpp>
#include <optional>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {

/// A connected socket and the addresses of both ends.
struct Connected {
  os::Descriptor socket;
  SocketAddress local;
  SocketAddress remote;
};

/// How the sockets of a dial are made.
struct SocketSetup {
  SocketOptions options = {};
  std::optional<Endpoint> local = {};  ///< Where to connect from.
  /// Called with each socket before it connects; see `TcpDialer::Options::control`. May be empty.
  Function<std::error_code(int descriptor, const Endpoint& remote)> control = {};
};

/// Connects to one of `endpoints` (at least one), as a DialPlan says. The operation of the Error is "dial", its subject
/// is `subject`. Blocks the calling thread in poll(2).
[[nodiscard]] Result<Connected> connect_any(Call call, std::string_view subject, std::vector<Endpoint> endpoints,
                                            const SocketSetup& setup);

/// Connects to the socket of the network "unix" at `path`; waits while its backlog is full. As above otherwise.
[[nodiscard]] Result<Connected> connect_unix(Call call, std::string_view path);

/// Connects to the socket of the network "unix" at `path`: nothing while its backlog is full, which nobody tells the
/// end of.
[[nodiscard]] Result<std::optional<Connected>> try_connect_unix(std::string_view path);

}  // namespace LEASH_NAMESPACE::net::detail
