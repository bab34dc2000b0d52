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

/// The network of that name, if it is one of them.
std::optional<Network> find_network(std::string_view name) noexcept;

/// Whether the network has addresses of this family. `address` is no mapped IPv4 address.
bool allows(Network network, const IpAddress& address) noexcept;

/// Why a text that is no numeric address is no name of a host either; empty if it may be one. One that is made
/// of numbers is none: inet_aton(3) reads addresses in such texts.
std::string_view host_name_defect(std::string_view host) noexcept;

/// The numeric address that `host` is, an IPv4 address for a mapped one; none if it may be the name of a host. An Error
/// names `operation` and `subject`: `invalid_argument` if it is neither, `no_such_device`, and
/// `address_family_not_supported` if the network has no such addresses.
[[nodiscard]] Result<std::optional<IpAddress>> parse_host(std::string_view operation, std::string_view subject,
                                                          Network network, std::string_view host);

/// What the network and the address that are passed to `dial` or `bind` mean together.
struct NetworkAddress {
  Network network = Network::tcp;
  std::string host;  ///< A name, a numeric address, or nothing; of `unix_stream` the path.
  std::uint16_t port = 0;
  std::optional<IpAddress> ip = {};  ///< If the host is a numeric address; of a mapped one the IPv4 address.

  bool is_unix() const noexcept { return network == Network::unix_stream; }
};

/// Parses `network` and `address`, and checks that they fit. An Error names `operation` and `address`.
[[nodiscard]] Result<NetworkAddress> parse_network_address(std::string_view operation, std::string_view network,
                                                           std::string_view address);

/// Writes `to_string(address)`, and returns the end of that.
char* write_address(char* to, const Address& address);
char* write_address(char* to, const IpAddress& address);

/// As many bytes as that takes, or a few more.
std::size_t text_size(const Address& address) noexcept;

/// How errors and tags name a connection: `127.0.0.1:51002 -> 127.0.0.1:8080`.
[[nodiscard]] std::string ends(const Address& local, const Address& remote);

/// The detail of a write that failed: `512 of 4096 bytes written`.
[[nodiscard]] std::string written_of(std::uint64_t written, std::size_t size);

/// The Error of a write of `size` bytes in pieces, of which one failed with `error`; `written` bytes were written until
/// then, those of the failed piece included.
[[nodiscard]] std::unexpected<Error> failure_of_piece(const Error& error, std::uint64_t written, std::size_t size);

}  // namespace LEASH_NAMESPACE::net::detail
