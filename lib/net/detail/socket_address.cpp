#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <leash/net/detail/socket_address.hpp>
#include <string>

namespace LEASH_NAMESPACE::net::detail {
namespace {

/// A numeric address, like `fe80::1%eth0`, split at the zone.
struct Literal {
  explicit Literal(std::string_view host)
      : address(host.substr(0, host.find('%'))), zone(host.substr(address.size())) {}

  std::string address;
  std::string zone;  ///< With its `%`; empty if there is none.
};

bool parse_v4(const Literal& literal, in_addr& out) {
  return literal.zone.empty() && ::inet_pton(AF_INET, literal.address.c_str(), &out) == 1;
}

bool parse_v6(const Literal& literal, in6_addr& out) {
  return literal.zone.size() != 1 && ::inet_pton(AF_INET6, literal.address.c_str(), &out) == 1;
}

/// The index of the interface that `zone` (`%eth0` or `%2`) names; 0 if there is none.
unsigned zone_index(const std::string& zone) {
  const char* const first = zone.data() + 1;
  const char* const last = zone.data() + zone.size();
  unsigned index = 0;
  const auto [end, error] = std::from_chars(first, last, index);
  if (error == std::errc() && end == last) return index;
  return ::if_nametoindex(first);
}

std::string v4_text(const void* address) {
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, address, text.data(), text.size());
  return text.data();
}

std::string v6_text(const sockaddr_in6& address) {
  if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) return v4_text(&address.sin6_addr.s6_addr[12]);
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
  std::string host = text.data();
  if (address.sin6_scope_id != 0) {
    std::array<char, IF_NAMESIZE> name{};
    const bool named = ::if_indextoname(address.sin6_scope_id, name.data()) != nullptr;
    host += "%" + (named ? std::string(name.data()) : std::to_string(address.sin6_scope_id));
  }
  return host;
}

}  // namespace

std::expected<SocketAddress, std::error_code> SocketAddress::make(std::string_view host, std::uint16_t port) {
  const Literal literal(host);
  SocketAddress result;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (parse_v4(literal, v4.sin_addr)) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&result.storage_, &v4, sizeof v4);
    result.size_ = sizeof v4;
    return result;
  }
  if (!parse_v6(literal, v6.sin6_addr)) return std::unexpected(std::make_error_code(std::errc::invalid_argument));
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  if (!literal.zone.empty()) {
    v6.sin6_scope_id = zone_index(literal.zone);
    if (v6.sin6_scope_id == 0) return std::unexpected(std::make_error_code(std::errc::no_such_device));
  }
  std::memcpy(&result.storage_, &v6, sizeof v6);
  result.size_ = sizeof v6;
  return result;
}

Family SocketAddress::family_of(std::string_view host) {
  const Literal literal(host);
  in_addr v4{};
  in6_addr v6{};
  if (parse_v4(literal, v4)) return Family::v4;
  return parse_v6(literal, v6) ? Family::v6 : Family::any;
}

std::expected<SocketAddress, std::error_code> SocketAddress::local_of(int socket) noexcept {
  SocketAddress result;
  if (::getsockname(socket, result.data(), &result.size()) == 0) return result;
  return std::unexpected(std::error_code(errno, std::generic_category()));
}

Address SocketAddress::address() const {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  switch (family()) {
    case AF_INET:
      std::memcpy(&v4, &storage_, sizeof v4);
      return {"tcp", v4_text(&v4.sin_addr), ntohs(v4.sin_port)};
    case AF_INET6:
      std::memcpy(&v6, &storage_, sizeof v6);
      return {"tcp", v6_text(v6), ntohs(v6.sin6_port)};
    default:
      return {"tcp", {}, 0};
  }
}

}  // namespace LEASH_NAMESPACE::net::detail
