#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <leash/net/detail/dial_driver.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/shortage.hpp>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
namespace {

/// What a connect(2) of a non-blocking socket has come to (SO_ERROR).
std::error_code result_of_connect(int socket) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return os::last_error();
  return {error, std::generic_category()};
}

}  // namespace

void DialDriver::drive(Clock& clock) {
  Clock::time_point now = clock.now();
  while (const std::optional<std::size_t> attempt = plan_.expired(now)) forget(*attempt);
  while (const std::optional<std::size_t> attempt = plan_.next(now)) {
    begin(*attempt);
    now = clock.now();
  }
}

void DialDriver::begin(std::size_t attempt) {
  const Endpoint& remote = plan_.endpoint(attempt);
  auto socket = open_socket(family_of(remote));
  if (!socket) {
    if (os::is_shortage(socket.error().value())) {
      plan_.starved(attempt, socket.error());
    } else {
      plan_.failed(attempt, socket.error());
    }
    return;
  }
  apply(setup_.options, socket->get());
  if (setup_.control) {
    if (const std::error_code code = setup_.control(socket->get(), remote)) {
      plan_.failed(attempt, code, "refused by the control hook");
      return;
    }
  }
  if (setup_.local) {
    const SocketAddress local(*setup_.local);
    // The port is then chosen by connect(2), for which one that another connection has is free, too.
    if (setup_.local->port == 0) delay_choice_of_port(socket->get());
    if (::bind(socket->get(), local.data(), local.size()) != 0) {
      plan_.failed(attempt, os::last_error(), "local address " + to_string(*setup_.local));
      return;
    }
  }
  const SocketAddress address(remote);
  if (::connect(socket->get(), address.data(), address.size()) == 0) {
    if (const auto local = established(attempt, socket->get())) won(*std::move(socket), *local, remote);
  } else if (errno == EINPROGRESS || errno == EINTR) {
    watch(attempt, *std::move(socket));
  } else {
    plan_.failed(attempt, os::last_error());
  }
}

std::optional<SocketAddress> DialDriver::established(std::size_t attempt, int socket) {
  if (const std::error_code code = result_of_connect(socket)) {
    plan_.failed(attempt, code);
    return std::nullopt;
  }
  const auto local = SocketAddress::local_of(socket);
  if (!local) {
    plan_.failed(attempt, local.error());
    return std::nullopt;
  }
  // Where nobody listens at a port of the ephemeral range on this machine, the system may choose that very port for the
  // local end; TCP then connects the socket to itself (simultaneous open).
  if (local->endpoint() == plan_.endpoint(attempt)) {
    plan_.failed(attempt, std::make_error_code(std::errc::connection_refused));
    return std::nullopt;
  }
  plan_.connected(attempt);
  return *local;
}

}  // namespace LEASH_NAMESPACE::net::detail
