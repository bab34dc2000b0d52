#include <leash/net/detail/connector.hpp>
#include <leash/net/detail/endpoint.hpp>
#include <leash/net/detail/resolve_endpoint.hpp>
#include <leash/net/detail/tcp_conn.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <optional>
#include <utility>

namespace LEASH_NAMESPACE::net {

TcpDialer::TcpDialer() : TcpDialer(Options()) {}

TcpDialer::TcpDialer(Options options) : options_(std::move(options)) {}

Result<std::unique_ptr<Conn>> TcpDialer::do_dial(Call call, std::string_view network, std::string_view address) {
  Result<detail::Endpoint> remote = detail::parse_endpoint("dial", network, address);
  if (!remote) return std::unexpected(std::move(remote).error());
  // A listener at all interfaces has the address `::` or `0.0.0.0`. Whoever dials that means this machine.
  if (remote->host == "::") remote->host = "::1";
  if (remote->host == "0.0.0.0") remote->host = "127.0.0.1";
  if (remote->host.empty()) remote->host = remote->family == detail::Family::v6 ? "::1" : "127.0.0.1";

  std::optional<detail::SocketAddress> local;
  if (!options_.local_address.empty()) {
    Result<detail::Endpoint> parsed = detail::parse_endpoint("dial", network, options_.local_address);
    if (!parsed) return std::unexpected(std::move(parsed).error());
    const auto made = detail::SocketAddress::make(parsed->host, parsed->port);
    if (!made) return fail("dial", options_.local_address, made.error(), "local address");
    local = *made;
  }

  auto addresses = detail::resolve_endpoint("dial", call, network, address, *remote, options_.resolver);
  if (!addresses) return std::unexpected(std::move(addresses).error());
  auto connected = detail::connect_first(call, address, *addresses, local);
  if (!connected) return std::unexpected(std::move(connected).error());
  return detail::make_tcp_conn("dial", address, std::move(connected->socket), connected->remote,
                               {options_.keep_alive, options_.no_delay}, call.context().clock());
}

}  // namespace LEASH_NAMESPACE::net
