#pragma once

#include <leash/config.hpp>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/detail/socket_listener.hpp>
#include <leash/net/endpoint.hpp>
#include <leash/net/tcp_binder.hpp>
#include <leash/result.hpp>
#include <memory>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {

/// Parses what `bind` was called with. An empty host is the address of all interfaces.
[[nodiscard]] Result<NetworkAddress> parse_bound(std::string_view network, std::string_view address);

/// Listens at `parsed`, of which these are the endpoints (of "unix" they do not matter). `address` is how the user has
/// written it.
[[nodiscard]] Result<std::unique_ptr<SocketListener>> bind_socket(std::string_view address,
                                                                  const NetworkAddress& parsed,
                                                                  const Result<std::vector<Endpoint>>& endpoints,
                                                                  const TcpBinder::Options& options);

}  // namespace LEASH_NAMESPACE::net::detail
