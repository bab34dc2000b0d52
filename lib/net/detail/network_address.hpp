#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/net/address.hpp>
#include <leash/net/ip_address.hpp>
#include <leash/result.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::net::detail {

/// The networks that `dial` and `bind` know.
enum class Network : unsigned char { tcp, tcp4, tcp6, unix_stream };

/// What the network and the address that are passed to `dial` or `bind` mean together.
struct NetworkAddress {
  Network network = Network::tcp;
  std::string host;  ///< A name, a numeric address, or nothing; of `unix_stream` the path.
  std::uint16_t port = 0;
  std::optional<IpAddress> ip = {};  ///< If the host is a numeric address.

  bool is_unix() const noexcept { return network == Network::unix_stream; }

  /// Whether the network has addresses of this family. A mapped IPv4 address is one of IPv4.
  bool allows(const IpAddress& address) const noexcept;
};

/// Parses `network` and `address`, and checks that they fit. An Error names `operation` and `address`.
[[nodiscard]] Result<NetworkAddress> parse_network_address(std::string_view operation, std::string_view network,
                                                           std::string_view address);

/// How errors and tags name a connection: `127.0.0.1:51002 -> 127.0.0.1:8080`.
[[nodiscard]] std::string ends(const Address& local, const Address& remote);

/// The detail of a write that failed: `512 of 4096 bytes written`.
[[nodiscard]] std::string written_of(std::size_t written, std::size_t size);

}  // namespace LEASH_NAMESPACE::net::detail
