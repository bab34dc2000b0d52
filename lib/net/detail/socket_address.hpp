#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <expected>
#include <leash/config.hpp>
#include <leash/net/address.hpp>
#include <leash/net/detail/endpoint.hpp>
#include <string_view>
#include <system_error>

namespace LEASH_NAMESPACE::net::detail {

/// An IP address and a port as the kernel takes them.
class SocketAddress {
 public:
  /// No address yet, but room for one: for calls like getsockname(2), which write to `data` and `size`.
  SocketAddress() noexcept = default;

  /// Makes one from a numeric address, with or without a zone. Errors: `invalid_argument` for anything else,
  /// `no_such_device` for an unknown zone.
  [[nodiscard]] static std::expected<SocketAddress, std::error_code> make(std::string_view host, std::uint16_t port);

  /// The family of a numeric address; `any` for anything else.
  [[nodiscard]] static Family family_of(std::string_view host);

  /// The local address of `socket` (getsockname(2)).
  [[nodiscard]] static std::expected<SocketAddress, std::error_code> local_of(int socket) noexcept;

  /// The address as text and number. An IPv4-mapped IPv6 address becomes the IPv4 address.
  [[nodiscard]] Address address() const;

  int family() const noexcept { return storage_.ss_family; }
  const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&storage_); }
  socklen_t size() const noexcept { return size_; }
  socklen_t& size() noexcept { return size_; }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = sizeof(sockaddr_storage);
};

}  // namespace LEASH_NAMESPACE::net::detail
