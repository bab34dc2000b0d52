#include <sys/un.h>
#include <algorithm>
#include <array>
#include <leash/net/detail/network_address.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
namespace {

constexpr std::array<std::pair<std::string_view, Network>, 4> networks{{
    {"tcp", Network::tcp},
    {"tcp4", Network::tcp4},
    {"tcp6", Network::tcp6},
    {"unix", Network::unix_stream},
}};

/// Why a path is none of a socket; empty if it is one.
std::string_view unix_path_defect(std::string_view path) {
  if (path.empty()) return "empty path";
  if (path.contains('\0')) return "NUL in path";
  // The kernel wants a NUL at the end of a path, and at the beginning of an abstract name instead of `@`.
  const std::size_t most = sizeof(sockaddr_un::sun_path) - (path.starts_with('@') ? 0 : 1);
  return path.size() > most ? "the path is longer than that of a socket may be" : "";
}

}  // namespace

bool NetworkAddress::allows(const IpAddress& address) const noexcept {
  const bool v4 = address.is_v4() || address.is_v4_mapped();
  return network == Network::tcp || (network == Network::tcp4 && v4) || (network == Network::tcp6 && !v4);
}

Result<NetworkAddress> parse_network_address(std::string_view operation, std::string_view network,
                                             std::string_view address) {
  const auto* const known = std::ranges::find(networks, network, &std::pair<std::string_view, Network>::first);
  if (known == networks.end()) {
    return fail(operation, address, std::errc::invalid_argument,
                "unknown network \"" + std::string(network) + "\"; known are tcp, tcp4, tcp6, unix");
  }
  if (known->second == Network::unix_stream) {
    const std::string_view defect = unix_path_defect(address);
    if (!defect.empty()) return fail(operation, address, std::errc::invalid_argument, defect);
    return NetworkAddress{.network = known->second, .host = std::string(address)};
  }
  Result<HostPort> parts = split_host_port(address);
  if (!parts) return fail(operation, address, parts.error().code(), parts.error().detail());

  NetworkAddress parsed{.network = known->second, .host = std::move(parts->host), .port = parts->port};
  if (const Result<IpAddress> ip = IpAddress::parse(parsed.host)) {
    parsed.ip = *ip;
    if (!parsed.allows(*ip)) {
      return fail(operation, address, std::errc::address_family_not_supported,
                  std::string(network) +
                      (parsed.network == Network::tcp4 ? " cannot reach an IPv6" : " cannot reach an IPv4") +
                      " address");
    }
  } else if (ip.error() == std::errc::no_such_device) {
    return fail(operation, address, ip.error().code(), ip.error().detail());
  }
  return parsed;
}

std::string ends(const Address& local, const Address& remote) {
  return to_string(local).append(" -> ").append(to_string(remote));
}

std::string written_of(std::size_t written, std::size_t size) {
  return std::to_string(written) + " of " + std::to_string(size) + " bytes written";
}

}  // namespace LEASH_NAMESPACE::net::detail
