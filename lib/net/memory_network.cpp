#include <algorithm>
#include <leash/net/detail/memory_conn.hpp>
#include <leash/net/detail/memory_listener.hpp>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/detail/switchboard.hpp>
#include <leash/net/memory_network.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::net {
namespace {

using detail::Network;
using detail::NetworkAddress;

std::shared_ptr<detail::Switchboard> make_switchboard(const MemoryNetwork::Options& options) {
  if (options.buffer == 0) throw std::logic_error("leash: MemoryNetwork: a buffer of 0 bytes");
  if (options.backlog == 0) throw std::logic_error("leash: MemoryNetwork: a backlog of 0 connections");
  return std::make_shared<detail::Switchboard>(options.buffer, options.backlog);
}

bool is_every_host(std::string_view host) { return host.empty() || host == "0.0.0.0" || host == "::"; }

/// The canonical name of a host, by which the switchboard knows it: lower case, numeric addresses in their shortest
/// form, and 127.0.0.1 or ::1 for `localhost`.
std::string canonical(const NetworkAddress& address) {
  if (address.ip) return to_string(address.ip->unmapped());
  std::string host = address.host;
  std::ranges::transform(host, host.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (host == "localhost") return address.network == Network::tcp6 ? "::1" : "127.0.0.1";
  return host;
}

}  // namespace

MemoryNetwork::MemoryNetwork() : MemoryNetwork(Options()) {}

MemoryNetwork::MemoryNetwork(Options options) : switchboard_(make_switchboard(options)) {}

MemoryNetwork::~MemoryNetwork() = default;

Result<std::unique_ptr<Conn>> MemoryNetwork::do_dial(Call call, std::string_view network, std::string_view address) {
  Result<NetworkAddress> endpoint = detail::parse_network_address("dial", network, address);
  if (!endpoint) return std::unexpected(std::move(endpoint).error());
  std::string host = canonical(*endpoint);
  if (is_every_host(host)) host = endpoint->network == Network::tcp6 ? "::1" : "127.0.0.1";

  const std::shared_ptr<detail::Backlog> backlog = switchboard_->find(host, endpoint->port);
  if (!backlog) return fail("dial", address, std::errc::connection_refused);
  const bool v6 = host.contains(':');
  const detail::MemoryEnd near{
      std::make_shared<detail::Pipe>(switchboard_->buffer()), std::make_shared<detail::Pipe>(switchboard_->buffer()),
      Address{"tcp", v6 ? "::1" : "127.0.0.1", switchboard_->client_port()}, Address{"tcp", host, endpoint->port}};
  const detail::MemoryEnd far{near.out, near.in, near.remote, near.local};
  Result<void> queued = backlog->push(call.context(), address, far);
  if (!queued) return std::unexpected(std::move(queued).error());
  return std::make_unique<detail::MemoryConn>(near, call.context().clock());
}

Result<std::unique_ptr<Listener>> MemoryNetwork::do_bind(Call, std::string_view network, std::string_view address) {
  const Result<NetworkAddress> endpoint = detail::parse_network_address("bind", network, address);
  if (!endpoint) return std::unexpected(endpoint.error());
  const std::string named = canonical(*endpoint);
  const std::string host = is_every_host(named) ? std::string() : named;

  std::uint16_t port = endpoint->port;
  auto backlog = switchboard_->open(host, port);
  if (!backlog) return fail("bind", address, backlog.error());
  const std::string every = endpoint->network == Network::tcp4 ? "0.0.0.0" : "::";
  const std::string shown = host.empty() ? every : host;
  return std::make_unique<detail::MemoryListener>(switchboard_, *std::move(backlog), host, Address{"tcp", shown, port});
}

}  // namespace LEASH_NAMESPACE::net
