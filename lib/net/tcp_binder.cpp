#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <leash/net/detail/endpoint.hpp>
#include <leash/net/detail/resolve_endpoint.hpp>
#include <leash/net/detail/tcp_listener.hpp>
#include <leash/net/tcp_binder.hpp>
#include <leash/os/last_error.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {
namespace {

using detail::Family;
using detail::SocketAddress;

std::expected<os::Descriptor, std::error_code> listen_at(const SocketAddress& address, bool both_families,
                                                         int backlog) {
  auto socket = detail::open_socket(address.family());
  if (!socket) return socket;
  const int yes = 1;
  const int only_v6 = both_families ? 0 : 1;
  ::setsockopt(socket->get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (address.family() == AF_INET6 &&
      ::setsockopt(socket->get(), IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6) != 0) {
    return std::unexpected(os::last_error());
  }
  if (::bind(socket->get(), address.data(), address.size()) != 0 || ::listen(socket->get(), backlog) != 0) {
    return std::unexpected(os::last_error());
  }
  return socket;
}

/// Whether a bind over IPv6 failed because the machine has no IPv6, so that it is worth trying IPv4.
bool lacks_ipv6(std::error_code code) {
  return code == std::errc::address_family_not_supported || code == std::errc::address_not_available ||
         code == std::errc::no_protocol_option;
}

}  // namespace

TcpBinder::TcpBinder() : TcpBinder(Options()) {}

TcpBinder::TcpBinder(Options options) : options_(std::move(options)) {}

Result<std::unique_ptr<Listener>> TcpBinder::do_bind(Call call, std::string_view network, std::string_view address) {
  Result<detail::Endpoint> endpoint = detail::parse_endpoint("bind", network, address);
  if (!endpoint) return std::unexpected(std::move(endpoint).error());
  const bool both_families = endpoint->host.empty() && endpoint->family == Family::any;
  if (endpoint->host.empty()) endpoint->host = endpoint->family == Family::v4 ? "0.0.0.0" : "::";

  auto addresses = detail::resolve_endpoint("bind", call, network, address, *endpoint, options_.resolver);
  if (!addresses) return std::unexpected(std::move(addresses).error());
  const auto v4 = std::ranges::find(*addresses, AF_INET, &SocketAddress::family);
  const SocketAddress& chosen = v4 != addresses->end() ? *v4 : addresses->front();

  auto socket = listen_at(chosen, both_families, options_.backlog);
  if (!socket && both_families && lacks_ipv6(socket.error())) {
    socket = listen_at(*SocketAddress::make("0.0.0.0", endpoint->port), false, options_.backlog);
  }
  if (!socket) return fail("bind", address, socket.error());
  const auto local = SocketAddress::local_of(socket->get());
  if (!local) return fail("bind", address, local.error());
  return std::make_unique<detail::TcpListener>(*std::move(socket), local->address(),
                                               detail::SocketOptions{options_.keep_alive, options_.no_delay});
}

}  // namespace LEASH_NAMESPACE::net
