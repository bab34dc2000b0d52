#include <leash/net/address.hpp>
#include <leash/net/detail/hash.hpp>
#include <leash/net/endpoint.hpp>
#include <ostream>

namespace LEASH_NAMESPACE::net {

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const Result<HostPort> parts = split_host_port(text);
  if (!parts) return std::unexpected(parts.error());
  const Result<IpAddress> address = IpAddress::parse(parts->host);
  if (!address) return fail("parse", text, address.error().code(), address.error().detail());
  return Endpoint{*address, parts->port};
}

std::string to_string(const Endpoint& endpoint) { return join_host_port(to_string(endpoint.address), endpoint.port); }

std::ostream& operator<<(std::ostream& out, const Endpoint& endpoint) { return out << to_string(endpoint); }

}  // namespace LEASH_NAMESPACE::net

std::size_t std::hash<leash::net::Endpoint>::operator()(const leash::net::Endpoint& endpoint) const noexcept {
  return leash::net::detail::hash_of(endpoint.address, endpoint.port);
}
