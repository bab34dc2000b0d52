#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/endpoint.hpp>
#include <leash/net/resolver.hpp>
#include <leash/result.hpp>
#include <memory>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {

/// Asks `resolver` (null: `Resolver::system()`) for the endpoints of `parsed`, in the resolver's order; at least one.
/// An Error names `operation`, and `address` as the user wrote it.
[[nodiscard]] Result<std::vector<Endpoint>> resolve_address(std::string_view operation, Call call,
                                                            std::string_view network, std::string_view address,
                                                            const NetworkAddress& parsed,
                                                            const std::shared_ptr<Resolver>& resolver);

/// The endpoints of `parsed`, for which a resolver has `found` these addresses. As above otherwise.
[[nodiscard]] Result<std::vector<Endpoint>> resolved_address(std::string_view operation, const Context& context,
                                                             std::string_view address, const NetworkAddress& parsed,
                                                             const Result<std::vector<IpAddress>>& found);

}  // namespace LEASH_NAMESPACE::net::detail
