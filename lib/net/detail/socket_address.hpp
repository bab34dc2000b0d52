#pragma once

#include <sys/socket.h>

#include <expected>
#include <leash/config.hpp>
#include <leash/net/address.hpp>
#include <leash/net/endpoint.hpp>
#include <string>
#include <string_view>
#include <system_error>

namespace LEASH_NAMESPACE::net::detail {

/// The address of a socket as the kernel takes it: an Endpoint, or a path of the network "unix".
class SocketAddress {
 public:
  /// No address yet, but room for one: for calls like getsockname(2), which write to `data` and `size`.
  SocketAddress() noexcept = default;

  explicit SocketAddress(const Endpoint& endpoint) noexcept;

  /// That of a path, or of an abstract name if it begins with `@`; no longer than `sun_path`.
  static SocketAddress of_path(std::string_view path) noexcept;

  /// The local address of `socket` (getsockname(2)).
  [[nodiscard]] static std::expected<SocketAddress, std::error_code> local_of(int socket) noexcept;

  /// The Endpoint. That of a path means nothing.
  Endpoint endpoint() const noexcept;

  /// The path, or an abstract name that begins with `@`; empty if the socket has none.
  std::string path() const;

  int family() const noexcept { return storage_.ss_family; }
  const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&storage_); }
  socklen_t size() const noexcept { return size_; }
  socklen_t& size() noexcept { return size_; }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = sizeof(sockaddr_storage);
};

/// AF_INET or AF_INET6.
inline int family_of(const Endpoint& endpoint) noexcept { return endpoint.address.is_v4() ? AF_INET : AF_INET6; }

/// How a connection shows one of its ends.
Address address_of(const SocketAddress& address);

/// How a connection of TCP shows one of its ends: a mapped IPv4 address as the IPv4 address.
Address address_of(const Endpoint& endpoint);

/// As `ends` of what `address_of` returns.
std::string ends(const SocketAddress& local, const SocketAddress& remote);

}  // namespace LEASH_NAMESPACE::net::detail
