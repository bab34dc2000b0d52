#include <leash/net/detail/connect.hpp>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/detail/resolve_address.hpp>
#include <leash/net/detail/socket_conn.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <optional>
#include <utility>

namespace LEASH_NAMESPACE::net {
namespace {

using detail::NetworkAddress;

/// Whom to dial for an address of all interfaces, such as a listener may have: this machine.
void mean_this_machine(NetworkAddress& remote) {
  if (remote.host.empty()) {
    remote.ip = remote.network == detail::Network::tcp6 ? IpAddress::loopback_v6() : IpAddress::loopback_v4();
  } else if (remote.ip && remote.ip->is_unspecified()) {
    remote.ip = remote.ip->is_v6() ? IpAddress::loopback_v6() : IpAddress::loopback_v4();
  }
}

/// Where to connect from, if `text` says so.
Result<std::optional<Endpoint>> parse_local(std::string_view network, std::string_view text) {
  if (text.empty()) return std::nullopt;
  const Result<NetworkAddress> parsed = detail::parse_network_address("dial", network, text);
  if (!parsed) {
    return fail("dial", text, parsed.error().code(), "local address: " + std::string(parsed.error().detail()));
  }
  if (!parsed->ip) return fail("dial", text, std::errc::invalid_argument, "local address: not a numeric address");
  return Endpoint{*parsed->ip, parsed->port};
}

}  // namespace

TcpDialer::TcpDialer() : TcpDialer(Options()) {}

TcpDialer::TcpDialer(Options options) : options_(std::move(options)) {}

Result<std::unique_ptr<Conn>> TcpDialer::do_dial(Call call, std::string_view network, std::string_view address) {
  Result<NetworkAddress> remote = detail::parse_network_address("dial", network, address);
  if (!remote) return std::unexpected(std::move(remote).error());
  if (remote->is_unix()) {
    auto connected = detail::connect_unix(call, address);
    if (!connected) return std::unexpected(std::move(connected).error());
    return detail::make_conn(std::move(connected->socket), connected->local, connected->remote, call.context().clock());
  }
  mean_this_machine(*remote);
  Result<std::optional<Endpoint>> local = parse_local(network, options_.local_address);
  if (!local) return std::unexpected(std::move(local).error());
  auto endpoints = detail::resolve_address("dial", call, network, address, *remote, options_.resolver);
  if (!endpoints) return std::unexpected(std::move(endpoints).error());
  if (*local) {
    const bool v4 = (*local)->address.is_v4();
    std::erase_if(*endpoints, [&](const Endpoint& endpoint) { return endpoint.address.is_v4() != v4; });
    if (endpoints->empty()) {
      return fail("dial", address, std::errc::address_family_not_supported,
                  "no suitable address for the local address " + options_.local_address);
    }
  }
  auto connected = detail::connect_any(call, address, *std::move(endpoints),
                                       {.options = options_.socket, .local = *local, .control = options_.control});
  if (!connected) return std::unexpected(std::move(connected).error());
  return detail::make_conn(std::move(connected->socket), connected->local, connected->remote, call.context().clock());
}

}  // namespace LEASH_NAMESPACE::net
