#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <leash/net/detail/socket.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/own_descriptors.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
namespace {

void set_option(int socket, int level, int name, int value) noexcept {
  ::setsockopt(socket, level, name, &value, sizeof value);
}

}  // namespace

std::expected<os::Descriptor, std::error_code> open_socket(int family) noexcept {
  const int number =
      os::open_own([&] { return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP); });
  if (number == -1) return std::unexpected(os::last_error());
  return os::Descriptor(number);
}

std::expected<os::Descriptor, std::error_code> accept_socket(int listener, SocketAddress& remote) noexcept {
  const int number =
      os::open_own([&] { return ::accept4(listener, remote.data(), &remote.size(), SOCK_NONBLOCK | SOCK_CLOEXEC); });
  if (number == -1) return std::unexpected(os::last_error());
  return os::Descriptor(number);
}

void apply(const SocketOptions& options, int socket) noexcept {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, options.no_delay ? 1 : 0);
  const auto longest = std::chrono::seconds(32767);
  const int seconds = static_cast<int>(std::min(options.keep_alive, longest).count());
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, seconds > 0 ? 1 : 0);
  if (seconds <= 0) return;
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
}

}  // namespace LEASH_NAMESPACE::net::detail
