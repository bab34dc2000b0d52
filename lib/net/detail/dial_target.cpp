#include <leash/net/detail/dial_target.hpp>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
namespace {

/// Whom to dial for an address of all interfaces, such as a listener may have: this machine.
void mean_this_machine(NetworkAddress& remote) {
  if (remote.host.empty()) {
    remote.ip = remote.network == Network::tcp6 ? IpAddress::loopback_v6() : IpAddress::loopback_v4();
  } else if (remote.ip && remote.ip->is_unspecified()) {
    remote.ip = remote.ip->is_v6() ? IpAddress::loopback_v6() : IpAddress::loopback_v4();
  }
}

/// Where to connect from, if `text` says so.
Result<std::optional<Endpoint>> parse_local(std::string_view network, std::string_view text) {
  if (text.empty()) return std::nullopt;
  const Result<NetworkAddress> parsed = parse_network_address("dial", network, text);
  if (!parsed) {
    return fail("dial", text, parsed.error().code(), "local address: " + std::string(parsed.error().detail()));
  }
  if (!parsed->ip) return fail("dial", text, std::errc::invalid_argument, "local address: not a numeric address");
  return Endpoint{*parsed->ip, parsed->port};
}

}  // namespace

Result<DialTarget> DialTarget::parse(std::string_view network, std::string_view address,
                                     const TcpDialer::Options& options) {
  Result<NetworkAddress> remote = parse_network_address("dial", network, address);
  if (!remote) return std::unexpected(std::move(remote).error());
  if (remote->is_unix()) return DialTarget{*std::move(remote)};
  mean_this_machine(*remote);
  const Result<std::optional<Endpoint>> local = parse_local(network, options.local_address);
  if (!local) return std::unexpected(local.error());
  return DialTarget{*std::move(remote), *local};
}

Result<std::vector<Endpoint>> DialTarget::reachable(std::string_view address, std::vector<Endpoint> endpoints) const {
  if (!local) return endpoints;
  std::erase_if(endpoints, [this](const Endpoint& one) { return one.address.is_v4() != local->address.is_v4(); });
  if (!endpoints.empty()) return endpoints;
  return fail("dial", address, std::errc::address_family_not_supported,
              "no suitable address for the local address " + to_string(*local));
}

}  // namespace LEASH_NAMESPACE::net::detail
