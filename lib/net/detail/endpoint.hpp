#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/net/address.hpp>
#include <leash/result.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::net::detail {

/// The address family of a network: `any` of "tcp", `v4` of "tcp4", `v6` of "tcp6".
enum class Family : unsigned char { any, v4, v6 };

/// What the network and the address that are passed to `dial` or `bind` mean together.
struct Endpoint {
  Family family = Family::any;
  std::string host;
  std::uint16_t port = 0;
};

/// Parses `network` and `address`, and checks that they fit. An Error names `operation` and `address`.
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view operation, std::string_view network,
                                              std::string_view address);

/// The family of "tcp", "tcp4" or "tcp6"; `network` must be one of these.
[[nodiscard]] Family family_of(std::string_view network) noexcept;

/// The family of a numeric address, with or without a zone; `any` for a name.
[[nodiscard]] Family literal_family(std::string_view host);

/// How errors and tags name a connection: `127.0.0.1:51002 -> 127.0.0.1:8080`.
[[nodiscard]] std::string ends(const Address& local, const Address& remote);

/// The detail of a write that failed: `512 of 4096 bytes written`.
[[nodiscard]] std::string written_of(std::size_t written, std::size_t size);

}  // namespace LEASH_NAMESPACE::net::detail
