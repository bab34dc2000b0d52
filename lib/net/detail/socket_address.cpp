#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <leash/net/detail/make_text.hpp>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/detail/socket_address.hpp>
#include <leash/os/last_error.hpp>
#include <limits>

namespace LEASH_NAMESPACE::net::detail {

SocketAddress::SocketAddress(const Endpoint& endpoint) noexcept {
  if (endpoint.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    const IpAddress::V4 bytes = endpoint.address.v4();
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&storage_, &v4, size_ = sizeof v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, endpoint.address.v6().data(), sizeof v6.sin6_addr);
    v6.sin6_scope_id = endpoint.address.zone();
    std::memcpy(&storage_, &v6, size_ = sizeof v6);
  }
}

SocketAddress SocketAddress::of_path(std::string_view path) noexcept {
  SocketAddress address;
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  path.copy(un.sun_path, sizeof un.sun_path);
  if (path.starts_with('@')) un.sun_path[0] = '\0';
  const std::size_t end = path.starts_with('@') ? 0 : 1;
  address.size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + end);
  std::memcpy(&address.storage_, &un, sizeof un);
  return address;
}

std::expected<SocketAddress, std::error_code> SocketAddress::local_of(int socket) noexcept {
  SocketAddress result;
  if (::getsockname(socket, result.data(), &result.size()) == 0) return result;
  return std::unexpected(os::last_error());
}

Endpoint SocketAddress::endpoint() const noexcept {
  if (family() == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage_, sizeof v4);
    IpAddress::V4 bytes{};
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return {IpAddress(bytes), ntohs(v4.sin_port)};
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, &storage_, sizeof v6);
  IpAddress::V6 bytes{};
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return {IpAddress(bytes, v6.sin6_scope_id), ntohs(v6.sin6_port)};
}

std::string SocketAddress::path() const {
  constexpr std::size_t begin = offsetof(sockaddr_un, sun_path);
  if (family() != AF_UNIX || size_ <= begin) return {};
  std::string text(reinterpret_cast<const char*>(&storage_) + begin, size_ - begin);
  if (text.front() != '\0') return text.substr(0, text.find('\0'));
  text.front() = '@';
  return text;
}

Address address_of(const SocketAddress& address) {
  return address.family() == AF_UNIX ? Address{"unix", address.path(), 0} : address_of(address.endpoint());
}

Address address_of(const Endpoint& endpoint) { return {"tcp", to_string(endpoint.address.unmapped()), endpoint.port}; }

std::string ends(const SocketAddress& local, const SocketAddress& remote) {
  if (local.family() != AF_INET || remote.family() != AF_INET) return ends(address_of(local), address_of(remote));
  const auto write = [](char* to, const Endpoint& endpoint) {
    to = write_address(to, endpoint.address);
    *to++ = ':';
    return std::to_chars(to, to + std::numeric_limits<std::uint16_t>::digits10 + 1, endpoint.port).ptr;
  };
  static constexpr std::size_t most = std::string_view("255.255.255.255:65535").size();
  return make_text(2 * most + arrow.size(), [&](char* to) {
    return write(std::ranges::copy(arrow, write(to, local.endpoint())).out, remote.endpoint());
  });
}

}  // namespace LEASH_NAMESPACE::net::detail
