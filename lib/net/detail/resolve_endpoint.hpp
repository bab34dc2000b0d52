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

/// The addresses of `endpoint` that belong to its network, in the resolver's order (null: the machine's); at least one.
/// The Error is that of `operation` on `address`, as the user wrote it.
[[nodiscard]] Result<std::vector<SocketAddress>> resolve_endpoint(std::string_view operation, Call call,
                                                                  std::string_view network, std::string_view address,
                                                                  const Endpoint& endpoint,
                                                                  const std::shared_ptr<Resolver>& resolver);

}  // namespace LEASH_NAMESPACE::net::detail
