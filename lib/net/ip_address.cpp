#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <leash/net/detail/hash.hpp>
#include <leash/net/ip_address.hpp>
#include <ostream>

namespace LEASH_NAMESPACE::net {
namespace {

/// The longest text that `parse` reads: an address, `%`, and the name of an interface, with the NUL of each.
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

std::string to_string(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(address.is_v4() ? AF_INET : AF_INET6, address.v6().data(), text.data(), text.size());
  std::string result = text.data();
  if (address.zone() == 0) return result;
  std::array<char, IF_NAMESIZE> name{};
  const bool named = ::if_indextoname(address.zone(), name.data()) != nullptr;
  return result + '%' + (named ? std::string(name.data()) : std::to_string(address.zone()));
}

std::ostream& operator<<(std::ostream& out, const IpAddress& address) { return out << to_string(address); }

}  // namespace LEASH_NAMESPACE::net

std::size_t std::hash<leash::net::IpAddress>::operator()(const leash::net::IpAddress& address) const noexcept {
  const auto& bytes = address.v6();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return leash::net::detail::hash_of(text, address.zone(), address.is_v6());
}
