#include <algorithm>
#include <leash/net/detail/memory_address.hpp>
#include <leash/net/detail/socket_address.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
namespace {

bool is_loopback(std::string_view host) { return host == "127.0.0.1" || host == "::1"; }

}  // namespace

bool is_every_host(std::string_view host) { return host.empty() || host == "0.0.0.0" || host == "::"; }

bool is_address(std::string_view host) { return literal_family(host) != Family::any; }

std::string canonical_host(std::string_view host, Family family) {
  std::string name(host);
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (name == "localhost") return family == Family::v6 ? "::1" : "127.0.0.1";
  const auto numeric = SocketAddress::make(name, 0);
  return numeric ? numeric->address().host : name;
}

Result<Address> dialled_address(std::string_view network, std::string_view address, const std::string& self) {
  const Result<Endpoint> endpoint = parse_endpoint("dial", network, address);
  if (!endpoint) return std::unexpected(endpoint.error());
  std::string host = canonical_host(endpoint->host, endpoint->family);
  if (is_every_host(host)) host = endpoint->family == Family::v6 ? "::1" : "127.0.0.1";
  if (is_loopback(host) && !self.empty()) host = self;
  return Address{"tcp", std::move(host), endpoint->port};
}

Result<BoundAddress> bound_address(std::string_view network, std::string_view address, const std::string& self) {
  const Result<Endpoint> endpoint = parse_endpoint("bind", network, address);
  if (!endpoint) return std::unexpected(endpoint.error());
  const std::string named = canonical_host(endpoint->host, endpoint->family);
  const bool every = is_every_host(named);
  const std::string host = every ? self : named;
  if (self.empty()) {
    const std::string any = endpoint->family == Family::v4 ? "0.0.0.0" : "::";
    return BoundAddress{Address{"tcp", host, endpoint->port}, every ? any : host};
  }
  if (!every && !is_loopback(named) && named != self) {
    return fail("bind", address, std::errc::address_not_available, "the host is " + self);
  }
  return BoundAddress{Address{"tcp", self, endpoint->port}, self};
}

}  // namespace LEASH_NAMESPACE::net::detail
