#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/detail/endpoint.hpp>
#include <leash/net/detail/socket_address.hpp>
#include <leash/net/resolver.hpp>
#include <leash/result.hpp>
#include <memory>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {

/// Asks `resolver` (null: `Resolver::system()`) for the addresses of `endpoint`, and returns those of its family in the
/// resolver's order; at least one. An Error names `operation`, and `address` as the user wrote it.
[[nodiscard]] Result<std::vector<SocketAddress>> resolve_endpoint(std::string_view operation, Call call,
                                                                  std::string_view network, std::string_view address,
                                                                  const Endpoint& endpoint,
                                                                  const std::shared_ptr<Resolver>& resolver);

}  // namespace LEASH_NAMESPACE::net::detail
