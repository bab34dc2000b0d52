#pragma once

#include <leash/config.hpp>
#include <leash/net/address.hpp>
#include <leash/result.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::net::detail {

/// Whether a canonical name stands for every host.
bool is_every_host(std::string_view host);

/// Whether the text is a numeric address.
bool is_address(std::string_view host);

/// The name by which a MemoryNetwork knows a host: lower case, numeric addresses in their shortest form, and a loopback
/// address for "localhost".
std::string canonical_host(std::string_view host, bool v6 = false);

/// Where a dial of a MemoryNetwork leads to: parses as `parse_network_address`. `self` is the host that dials, as which
/// its own loopback counts, or empty for the network itself.
[[nodiscard]] Result<Address> dialled_address(std::string_view network, std::string_view address,
                                              const std::string& self);

/// What a bind is for. Where `self` is empty, so is the host for every host. Errors: also `address_not_available` if
/// `self` is another host.
struct BoundAddress {
  Address address;
  std::string shown;  ///< The host as `Listener::address` tells it.
};
[[nodiscard]] Result<BoundAddress> bound_address(std::string_view network, std::string_view address,
                                                 const std::string& self);

}  // namespace LEASH_NAMESPACE::net::detail
