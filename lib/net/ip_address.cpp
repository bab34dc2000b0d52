#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <leash/net/detail/hash.hpp>
#include <leash/net/detail/make_text.hpp>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/ip_address.hpp>
#include <ostream>

namespace LEASH_NAMESPACE::net {
namespace {

/// The longest text that an address has: itself, `%`, and the name of an interface, with the NUL of each.
constexpr std::size_t max_text = INET6_ADDRSTRLEN + IF_NAMESIZE;

/// The index of the interface that `name` says; 0 if there is none.
std::uint32_t zone_index(const std::string& name) {
  std::uint32_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  if (error == std::errc() && end == name.data() + name.size()) return index;
  return ::if_nametoindex(name.c_str());
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const auto refuse = [&] { return fail("parse", text, std::errc::invalid_argument, "not an IP address"); };
  std::array<char, max_text> copy{};
  if (text.size() >= copy.size() || text.contains('\0')) return refuse();
  text.copy(copy.data(), text.size());
  if (V4 v4; ::inet_pton(AF_INET, copy.data(), v4.data()) == 1) return IpAddress(v4);

  const std::size_t percent = text.find('%');
  if (percent != std::string_view::npos) copy[percent] = '\0';
  V6 v6{};
  if (::inet_pton(AF_INET6, copy.data(), v6.data()) != 1) return refuse();
  if (percent == std::string_view::npos) return IpAddress(v6);
  const std::string zone(copy.data() + percent + 1, text.size() - percent - 1);
  if (zone.empty()) return refuse();
  const std::uint32_t index = zone_index(zone);
  if (index == 0) return fail("parse", text, std::errc::no_such_device, "no interface has this name");
  return IpAddress(v6, index);
}

char* detail::write_address(char* to, const IpAddress& address) {
  if (address.is_v4()) {
    // Each connection that is opened comes here; inet_ntop(3) takes ten times as long.
    for (const std::uint8_t byte : address.v4()) {
      if (byte >= 100) *to++ = static_cast<char>('0' + byte / 100);
      if (byte >= 10) *to++ = static_cast<char>('0' + byte / 10 % 10);
      *to++ = static_cast<char>('0' + byte % 10);
      *to++ = '.';
    }
    return to - 1;
  }
  ::inet_ntop(AF_INET6, address.v6().data(), to, INET6_ADDRSTRLEN);
  to += std::strlen(to);
  if (address.zone() == 0) return to;
  *to++ = '%';
  if (::if_indextoname(address.zone(), to) != nullptr) return to + std::strlen(to);
  return std::to_chars(to, to + IF_NAMESIZE, address.zone()).ptr;
}

std::string to_string(const IpAddress& address) {
  return detail::make_text(max_text, [&](char* to) { return detail::write_address(to, address); });
}

std::ostream& operator<<(std::ostream& out, const IpAddress& address) { return out << to_string(address); }

}  // namespace LEASH_NAMESPACE::net

std::size_t std::hash<leash::net::IpAddress>::operator()(const leash::net::IpAddress& address) const noexcept {
  const auto& bytes = address.v6();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return leash::net::detail::hash_of(text, address.zone(), address.is_v6());
}
