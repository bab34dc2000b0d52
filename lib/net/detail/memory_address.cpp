#include <algorithm>
#include <leash/net/detail/memory_address.hpp>
#include <leash/net/detail/network_address.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
namespace {

bool is_loopback(std::string_view host) { return host == "127.0.0.1" || host == "::1"; }

}  // namespace

bool is_every_host(std::string_view host) { return host.empty() || host == "0.0.0.0" || host == "::"; }

bool is_address(std::string_view host) { return IpAddress::parse(host).has_value(); }

std::string canonical_host(std::string_view host, bool v6) {
  if (const Result<IpAddress> ip = IpAddress::parse(host)) return to_string(ip->unmapped());
  std::string name(host);
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (name == "localhost") return v6 ? "::1" : "127.0.0.1";
  return name;
}

Result<Address> dialled_address(std::string_view network, std::string_view address, const std::string& self) {
  const Result<NetworkAddress> parsed = parse_network_address("dial", network, address);
  if (!parsed) return std::unexpected(parsed.error());
  if (parsed->is_unix()) return Address{"unix", parsed->host, 0};
  const bool v6 = parsed->network == Network::tcp6;
  std::string host = canonical_host(parsed->host, v6);
  if (is_every_host(host)) host = v6 ? "::1" : "127.0.0.1";
  if (is_loopback(host) && !self.empty()) host = self;
  return Address{"tcp", std::move(host), parsed->port};
}

Result<BoundAddress> bound_address(std::string_view network, std::string_view address, const std::string& self) {
  const Result<NetworkAddress> parsed = parse_network_address("bind", network, address);
  if (!parsed) return std::unexpected(parsed.error());
  if (parsed->is_unix()) return BoundAddress{Address{"unix", parsed->host, 0}, parsed->host};
  const std::string named = canonical_host(parsed->host, parsed->network == Network::tcp6);
  const bool every = is_every_host(named);
  const std::string host = every ? self : named;
  if (self.empty()) {
    const std::string any = parsed->network == Network::tcp4 ? "0.0.0.0" : "::";
    return BoundAddress{Address{"tcp", host, parsed->port}, every ? any : host};
  }
  if (!every && !is_loopback(named) && named != self) {
    return fail("bind", address, std::errc::address_not_available, "the host is " + self);
  }
  return BoundAddress{Address{"tcp", self, parsed->port}, self};
}

}  // namespace LEASH_NAMESPACE::net::detail
