#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/detail/resolve_address.hpp>
#include <leash/net/detail/socket_listener.hpp>
#include <leash/net/tcp_binder.hpp>
#include <leash/os/last_error.hpp>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::net {
namespace {

using detail::Network;
using detail::NetworkAddress;
using detail::SocketAddress;

using OpenSocket = std::expected<os::Descriptor, std::error_code>;

OpenSocket listen_at(const Endpoint& endpoint, bool both_families, const TcpBinder::Options& options) {
  const SocketAddress address(endpoint);
  OpenSocket socket = detail::open_socket(address.family());
  if (!socket) return socket;
  const int yes = 1;
  const int only_v6 = both_families ? 0 : 1;
  ::setsockopt(socket->get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (address.family() == AF_INET6 &&
      ::setsockopt(socket->get(), IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6) != 0) {
    return std::unexpected(os::last_error());
  }
  detail::apply(options.socket, socket->get());
  if (::bind(socket->get(), address.data(), address.size()) != 0 || ::listen(socket->get(), options.backlog) != 0) {
    return std::unexpected(os::last_error());
  }
  return socket;
}

/// Whether a bind over IPv6 failed because the machine has no IPv6, so that it is worth trying IPv4.
bool lacks_ipv6(std::error_code code) {
  return code == std::errc::address_family_not_supported || code == std::errc::address_not_available ||
         code == std::errc::no_protocol_option;
}

Result<std::unique_ptr<Listener>> bind_unix(std::string_view path, const TcpBinder::Options& options) {
  OpenSocket socket = detail::open_socket(AF_UNIX);
  if (!socket) return fail("bind", path, socket.error());
  const SocketAddress address = SocketAddress::of_path(path);
  // Before bind(2), which gives the path the mode of the socket less the umask: nobody may connect in between.
  if (options.unix_mode && ::fchmod(socket->get(), *options.unix_mode) != 0)
    return fail("bind", path, os::last_error());
  if (::bind(socket->get(), address.data(), address.size()) != 0) return fail("bind", path, os::last_error());
  detail::SocketFile file;
  if (!path.starts_with('@')) file = detail::SocketFile(std::string(path));
  const std::string name(path);
  const bool has_mode = options.unix_mode && !path.starts_with('@');
  if ((has_mode && ::chmod(name.c_str(), *options.unix_mode) != 0) || ::listen(socket->get(), options.backlog) != 0) {
    const std::error_code code = os::last_error();
    file.remove();
    return fail("bind", path, code);
  }
  return std::make_unique<detail::SocketListener>(*std::move(socket), address, true, std::move(file));
}

}  // namespace

TcpBinder::TcpBinder() : TcpBinder(Options()) {}

TcpBinder::TcpBinder(Options options) : options_(std::move(options)) {}

Result<std::unique_ptr<Listener>> TcpBinder::do_bind(Call call, std::string_view network, std::string_view address) {
  Result<NetworkAddress> parsed = detail::parse_network_address("bind", network, address);
  if (!parsed) return std::unexpected(std::move(parsed).error());
  if (parsed->is_unix()) return bind_unix(address, options_);
  const bool both_families = parsed->host.empty() && parsed->network == Network::tcp;
  if (parsed->host.empty()) parsed->ip = parsed->network == Network::tcp4 ? IpAddress() : IpAddress(IpAddress::V6{});

  auto endpoints = detail::resolve_address("bind", call, network, address, *parsed, options_.resolver);
  if (!endpoints) return std::unexpected(std::move(endpoints).error());
  const auto v4 = std::ranges::find_if(*endpoints, [](const Endpoint& one) { return one.address.is_v4(); });
  const Endpoint& chosen = v4 != endpoints->end() ? *v4 : endpoints->front();

  OpenSocket socket = listen_at(chosen, both_families, options_);
  if (!socket && both_families && lacks_ipv6(socket.error())) {
    socket = listen_at({IpAddress(), parsed->port}, false, options_);
  }
  if (!socket) return fail("bind", address, socket.error());
  const auto local = SocketAddress::local_of(socket->get());
  if (!local) return fail("bind", address, local.error());
  const bool accepts_there = !local->endpoint().address.is_unspecified();
  return std::make_unique<detail::SocketListener>(*std::move(socket), *local, accepts_there, detail::SocketFile());
}

}  // namespace LEASH_NAMESPACE::net
