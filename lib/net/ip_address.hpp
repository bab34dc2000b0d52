#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <leash/config.hpp>
#include <leash/result.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::net {

/// An IPv4 or IPv6 address. A value of 24 bytes; prints as `127.0.0.1`, `::1` (RFC 5952) or `fe80::1%eth0`.
class IpAddress {
 public:
  using V4 = std::array<std::uint8_t, 4>;
  using V6 = std::array<std::uint8_t, 16>;

  /// 0.0.0.0
  constexpr IpAddress() noexcept = default;

  constexpr explicit IpAddress(V4 bytes) noexcept : bytes_{bytes[0], bytes[1], bytes[2], bytes[3]} {}

  /// `zone` is the index of the interface that a link-local address belongs to (RFC 4007); 0 for none.
  constexpr explicit IpAddress(V6 bytes, std::uint32_t zone = 0) noexcept : bytes_(bytes), zone_(zone), is_v6_(true) {}

  /// Reads `127.0.0.1`, `::1` or, with the name or the index of an interface, `fe80::1%eth0`; without brackets.
  /// Errors: `invalid_argument` for anything else, `no_such_device` if there is no such interface.
  [[nodiscard]] static Result<IpAddress> parse(std::string_view text);

  static constexpr IpAddress loopback_v4() noexcept { return IpAddress(V4{127, 0, 0, 1}); }
  static constexpr IpAddress loopback_v6() noexcept {
    return IpAddress(V6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  }

  constexpr bool is_v4() const noexcept { return !is_v6_; }
  constexpr bool is_v6() const noexcept { return is_v6_; }

  /// Whether it is 0.0.0.0 or `::`.
  constexpr bool is_unspecified() const noexcept { return bytes_ == V6{}; }

  /// Whether it is an IPv6 address that stands for an IPv4 address: `::ffff:127.0.0.1` (RFC 4291, 2.5.5.2). The system
  /// reaches it over IPv4.
  constexpr bool is_v4_mapped() const noexcept {
    for (std::size_t at = 0; at < 10; ++at) {
      if (bytes_[at] != 0) return false;
    }
    return is_v6_ && bytes_[10] == 0xff && bytes_[11] == 0xff;
  }

  /// The IPv4 address that a mapped one stands for; any other one as it is.
  constexpr IpAddress unmapped() const noexcept {
    return is_v4_mapped() ? IpAddress(V4{bytes_[12], bytes_[13], bytes_[14], bytes_[15]}) : *this;
  }

  /// In network byte order. Of an IPv6 address the first four.
  constexpr V4 v4() const noexcept { return {bytes_[0], bytes_[1], bytes_[2], bytes_[3]}; }

  /// In network byte order. Of an IPv4 address, its four bytes and zeros.
  constexpr const V6& v6() const noexcept LEASH_LIFETIMEBOUND { return bytes_; }

  constexpr std::uint32_t zone() const noexcept { return zone_; }

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) noexcept = default;

 private:
  V6 bytes_{};
  std::uint32_t zone_ = 0;
  bool is_v6_ = false;
};

std::string to_string(const IpAddress& address);
std::ostream& operator<<(std::ostream& out, const IpAddress& address);

}  // namespace LEASH_NAMESPACE::net

template <>
inline constexpr bool leash::detail::printable<leash::net::IpAddress> = true;

template <>
struct std::hash<leash::net::IpAddress> {
  std::size_t operator()(const leash::net::IpAddress& address) const noexcept;
};
