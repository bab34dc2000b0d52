#include <algorithm>
#include <charconv>
#include <leash/net/address.hpp>
#include <leash/net/detail/hash.hpp>
#include <leash/net/detail/make_text.hpp>
#include <leash/net/detail/network_address.hpp>
#include <limits>
#include <ostream>
#include <utility>

namespace LEASH_NAMESPACE::net {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// What a port, its colon and the brackets of an IPv6 address take, or `(unnamed)`.
constexpr std::size_t beside_host = std::string_view("[]:65535").size() + 1;

char* write_host_port(char* to, std::string_view host, std::uint16_t port) {
  const bool brackets = host.contains(':');
  if (brackets) *to++ = '[';
  to = std::ranges::copy(host, to).out;
  if (brackets) *to++ = ']';
  *to++ = ':';
  return std::to_chars(to, to + std::numeric_limits<std::uint16_t>::digits10 + 1, port).ptr;
}

}  // namespace

namespace detail {

std::size_t text_size(const Address& address) noexcept { return address.host.size() + beside_host; }

char* write_address(char* to, const Address& address) {
  if (address.network != "unix") return write_host_port(to, address.host, address.port);
  return std::ranges::copy(address.host.empty() ? "(unnamed)" : std::string_view(address.host), to).out;
}

}  // namespace detail

std::string to_string(const Address& address) {
  return detail::make_text(detail::text_size(address), [&](char* to) { return detail::write_address(to, address); });
}

Result<Endpoint> Address::endpoint() const {
  if (network == "unix") return fail("parse", to_string(*this), std::errc::invalid_argument, "not of TCP");
  const Result<IpAddress> ip = IpAddress::parse(host);
  if (!ip) return fail("parse", to_string(*this), ip.error().code(), ip.error().detail());
  return Endpoint{*ip, port};
}

std::ostream& operator<<(std::ostream& out, const Address& address) { return out << to_string(address); }

std::string join_host_port(std::string_view host, std::uint16_t port) {
  return detail::make_text(host.size() + beside_host, [&](char* to) { return write_host_port(to, host, port); });
}

Result<HostPort> split_host_port(std::string_view text) {
  const auto refuse = [&](std::string_view detail) { return fail("parse", text, std::errc::invalid_argument, detail); };
  if (text.empty()) return refuse("the address is empty");
  if (text.contains('\0')) return refuse("NUL in address");
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse("missing port in address");

  std::string_view host = text.substr(0, colon);
  if (text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return refuse("missing ']' in address");
    const std::string_view rest = text.substr(end + 1);
    if (!rest.starts_with(':')) return refuse("missing port in address");
    if (end + 1 != colon) return refuse("too many colons in address");
    host = text.substr(1, end - 1);
  } else if (host.contains(':')) {
    return refuse("too many colons in address; an IPv6 address needs brackets");
  }
  const std::string_view port = text.substr(colon + 1);
  if (host.contains('[') || port.contains('[')) return refuse("unexpected '[' in address");
  if (host.contains(']') || port.contains(']')) return refuse("unexpected ']' in address");

  if (port.empty()) return refuse("missing port in address");
  if (!is_number(port)) {
    return refuse("port \"" + std::string(port) + "\" is not a number; names of services are not looked up");
  }
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || number > std::numeric_limits<std::uint16_t>::max()) {
    return refuse("port " + std::string(port) + " is above 65535");
  }
  return HostPort{std::string(host), static_cast<std::uint16_t>(number)};
}

}  // namespace LEASH_NAMESPACE::net

std::size_t std::hash<leash::net::Address>::operator()(const leash::net::Address& address) const noexcept {
  return leash::net::detail::hash_of(address.network, address.host, address.port);
}
