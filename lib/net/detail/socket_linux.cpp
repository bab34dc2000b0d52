#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <leash/net/detail/socket.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/wake_socket.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
namespace {

void set_option(int socket, int level, int name, int value) noexcept {
  ::setsockopt(socket, level, name, &value, sizeof value);
}

}  // namespace

std::expected<os::Descriptor, std::error_code> open_socket(int family) noexcept {
  // What the thread will wait by comes with its first socket, so that later ones cost one descriptor each.
  static_cast<void>(os::WakeSocket::of_this_thread());
  const int number = os::open_own([&] { return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); });
  if (number == -1) return std::unexpected(os::last_error());
  return os::Descriptor(number);
}

std::expected<os::Descriptor, std::error_code> accept_socket(int listener, SocketAddress& remote) noexcept {
  const int number =
      os::open_own([&] { return ::accept4(listener, remote.data(), &remote.size(), SOCK_NONBLOCK | SOCK_CLOEXEC); });
  if (number == -1) return std::unexpected(os::last_error());
  return os::Descriptor(number);
}

std::expected<PeerCredentials, std::error_code> peer_credentials_of(int socket) noexcept {
  int family = AF_UNSPEC;
  socklen_t size = sizeof family;
  if (::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0) return std::unexpected(os::last_error());
  // Of another family the kernel gives no error, but process 0 and user -1.
  if (family != AF_UNIX) return std::unexpected(std::make_error_code(std::errc::operation_not_supported));
  ucred credentials{};
  size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return std::unexpected(os::last_error());
  }
  return PeerCredentials{.pid = credentials.pid, .uid = credentials.uid, .gid = credentials.gid};
}

void apply(const SocketOptions& options, int socket) noexcept {
  const auto whole = [](std::chrono::seconds time) {
    return static_cast<int>(std::clamp(time, std::chrono::seconds(1), std::chrono::seconds(32767)).count());
  };
  // A new socket has neither.
  if (options.no_delay) set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.keep_alive > std::chrono::seconds::zero()) {
    const bool has_interval = options.keep_alive_interval > std::chrono::seconds::zero();
    set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, whole(options.keep_alive));
    set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL,
               whole(has_interval ? options.keep_alive_interval : options.keep_alive));
    if (options.keep_alive_count > 0) set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, options.keep_alive_count);
  }
  if (options.linger) {
    const linger value{.l_onoff = 1,
                       .l_linger = *options.linger <= std::chrono::seconds::zero() ? 0 : whole(*options.linger)};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &value, sizeof value);
  }
}

void delay_choice_of_port(int socket) noexcept { set_option(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1); }

}  // namespace LEASH_NAMESPACE::net::detail
