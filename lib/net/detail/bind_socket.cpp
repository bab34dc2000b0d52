#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <leash/net/detail/bind_socket.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/own_descriptors.hpp>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
namespace {

using OpenSocket = std::expected<os::Descriptor, std::error_code>;

OpenSocket listen_at(const Endpoint& endpoint, bool both_families, const TcpBinder::Options& options) {
  const SocketAddress address(endpoint);
  OpenSocket socket = open_socket(address.family());
  if (!socket) return socket;
  const int yes = 1;
  const int only_v6 = both_families ? 0 : 1;
  ::setsockopt(socket->get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (address.family() == AF_INET6 &&
      ::setsockopt(socket->get(), IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6) != 0) {
    return std::unexpected(os::last_error());
  }
  apply(options.socket, socket->get());
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

Result<std::unique_ptr<SocketListener>> bind_unix(std::string_view path, const TcpBinder::Options& options) {
  const auto failed = [&] { return fail("bind", path, os::last_error()); };
  const bool has_file = !path.starts_with('@');
  const bool has_mode = has_file && options.unix_mode.has_value();
  const std::uint32_t mode = options.unix_mode.value_or(0);
  const std::string name(path);
  // All that may throw is done before bind(2), or after `file` has taken the name over.
  SocketFile file = has_file ? SocketFile(name) : SocketFile();
  const SocketAddress address = SocketAddress::of_path(path);
  OpenSocket socket = open_socket(AF_UNIX);
  if (!socket) return fail("bind", path, socket.error());
  // Linux gives the name the mode of the socket, less the umask: at no moment more people may connect than shall.
  if (has_mode && ::fchmod(socket->get(), mode) != 0) return failed();
  if (::bind(socket->get(), address.data(), address.size()) != 0) return failed();
  if (has_file) {
    const std::uint32_t given = file.made();
    // The C library may open the name for it.
    const os::MayOpen files(os::Unlisted::files);
    if (has_mode && given != mode && ::fchmodat(AT_FDCWD, name.c_str(), mode, AT_SYMLINK_NOFOLLOW) != 0)
      return failed();
  }
  if (::listen(socket->get(), options.backlog) != 0) return failed();
  return std::make_unique<SocketListener>(*std::move(socket), address, true, std::move(file));
}

}  // namespace

Result<NetworkAddress> parse_bound(std::string_view network, std::string_view address) {
  Result<NetworkAddress> parsed = parse_network_address("bind", network, address);
  if (parsed && parsed->host.empty()) {
    parsed->ip = parsed->network == Network::tcp4 ? IpAddress() : IpAddress(IpAddress::V6{});
  }
  return parsed;
}

Result<std::unique_ptr<SocketListener>> bind_socket(std::string_view address, const NetworkAddress& parsed,
                                                    const Result<std::vector<Endpoint>>& endpoints,
                                                    const TcpBinder::Options& options) {
  if (parsed.is_unix()) return bind_unix(address, options);
  if (!endpoints) return std::unexpected(endpoints.error());
  const bool both_families = parsed.host.empty() && parsed.network == Network::tcp;
  const auto v4 = std::ranges::find_if(*endpoints, [](const Endpoint& one) { return one.address.is_v4(); });
  Endpoint chosen = v4 != endpoints->end() ? *v4 : endpoints->front();

  OpenSocket socket = listen_at(chosen, both_families, options);
  if (!socket && both_families && lacks_ipv6(socket.error())) {
    chosen.address = IpAddress();
    socket = listen_at(chosen, false, options);
  }
  if (!socket) {
    const std::string text = to_string(chosen);
    return fail("bind", address, socket.error(), text == address ? std::string() : "at " + text);
  }
  const auto local = SocketAddress::local_of(socket->get());
  if (!local) return fail("bind", address, local.error());
  const bool accepts_there = !local->endpoint().address.is_unspecified();
  return std::make_unique<SocketListener>(*std::move(socket), *local, accepts_there, SocketFile());
}

}  // namespace LEASH_NAMESPACE::net::detail
