#include <leash/net/detail/connect.hpp>
#include <leash/net/detail/dial_target.hpp>
#include <leash/net/detail/resolve_address.hpp>
#include <leash/net/detail/socket_conn.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

TcpDialer::TcpDialer() : TcpDialer(Options()) {}

TcpDialer::TcpDialer(Options options) : options_(std::move(options)) {}

Result<std::unique_ptr<Conn>> TcpDialer::do_dial(Call call, std::string_view network, std::string_view address) {
  const Result<detail::DialTarget> target = detail::DialTarget::parse(network, address, options_);
  if (!target) return std::unexpected(target.error());
  if (target->remote.is_unix()) {
    auto connected = detail::connect_unix(call, address);
    if (!connected) return std::unexpected(std::move(connected).error());
    return detail::make_conn(std::move(connected->socket), connected->local, connected->remote, call.context().clock());
  }
  auto found = detail::resolve_address("dial", call, network, address, target->remote, options_.resolver);
  if (!found) return std::unexpected(std::move(found).error());
  auto endpoints = target->reachable(address, *std::move(found));
  if (!endpoints) return std::unexpected(std::move(endpoints).error());
  auto connected =
      detail::connect_any(call, address, *std::move(endpoints),
                          {.options = options_.socket, .local = target->local, .control = options_.control});
  if (!connected) return std::unexpected(std::move(connected).error());
  return detail::make_conn(std::move(connected->socket), connected->local, connected->remote, call.context().clock());
}

}  // namespace LEASH_NAMESPACE::net
