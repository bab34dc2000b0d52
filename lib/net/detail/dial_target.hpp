#pragma once

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/endpoint.hpp>
#include <leash/net/ip_address.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <leash/result.hpp>
#include <optional>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {

/// What a dial is told, before any name is resolved.
struct DialTarget {
  NetworkAddress remote;
  std::optional<Endpoint> local = {};  ///< Where to connect from.

  /// Parses what `dial` was called with, and the local address of the options.
  [[nodiscard]] static Result<DialTarget> parse(std::string_view network, std::string_view address,
                                                const TcpDialer::Options& options);

  /// Those of `endpoints` that can be reached from the local address; at least one. `address` is what the user dials.
  [[nodiscard]] Result<std::vector<Endpoint>> reachable(std::string_view address,
                                                        std::vector<Endpoint> endpoints) const;
};

}  // namespace LEASH_NAMESPACE::net::detail
