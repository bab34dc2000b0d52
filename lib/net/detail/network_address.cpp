#include <sys/un.h>
#include <algorithm>
#include <array>
#include <leash/net/detail/make_text.hpp>
#include <leash/net/detail/network_address.hpp>
#include <utility>
#include <vector>

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

/// Whether it is a number as inet_aton(3) reads one, which `getaddrinfo` calls for what may be a name.
bool is_number(std::string_view label) {
  if (label.starts_with("0x") || label.starts_with("0X")) {
    return label.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos;
  }
  return !label.empty() && label.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Whether each label is a number.
bool is_of_numbers(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  for (;;) {
    const std::size_t dot = host.find('.');
    if (!is_number(host.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    host.remove_prefix(dot + 1);
  }
}

}  // namespace

std::optional<Network> find_network(std::string_view name) noexcept {
  const auto* const known = std::ranges::find(networks, name, &std::pair<std::string_view, Network>::first);
  return known == networks.end() ? std::nullopt : std::optional(known->second);
}

bool allows(Network network, const IpAddress& address) noexcept {
  return network == Network::tcp || network == (address.is_v4() ? Network::tcp4 : Network::tcp6);
}

std::string_view host_name_defect(std::string_view host) noexcept {
  if (host.contains('\0')) return "NUL in host";
  return is_of_numbers(host) ? "the host is made of numbers, but is no IPv4 address" : "";
}

Result<std::optional<IpAddress>> parse_host(std::string_view operation, std::string_view subject, Network network,
                                            std::string_view host) {
  const Result<IpAddress> ip = IpAddress::parse(host);
  if (!ip) {
    if (ip.error() == std::errc::no_such_device)
      return fail(operation, subject, ip.error().code(), ip.error().detail());
    const std::string_view defect = host_name_defect(host);
    if (!defect.empty()) return fail(operation, subject, std::errc::invalid_argument, defect);
    return std::nullopt;
  }
  const IpAddress address = ip->unmapped();
  if (allows(network, address)) return address;
  return fail(operation, subject, std::errc::address_family_not_supported,
              network == Network::tcp4 ? "tcp4 cannot reach an IPv6 address" : "tcp6 cannot reach an IPv4 address");
}

Result<NetworkAddress> parse_network_address(std::string_view operation, std::string_view network,
                                             std::string_view address) {
  const std::optional<Network> known = find_network(network);
  if (!known) {
    return fail(operation, address, std::errc::invalid_argument,
                "unknown network \"" + std::string(network) + "\"; known are tcp, tcp4, tcp6, unix");
  }
  if (*known == Network::unix_stream) {
    const std::string_view defect = unix_path_defect(address);
    if (!defect.empty()) return fail(operation, address, std::errc::invalid_argument, defect);
    return NetworkAddress{.network = *known, .host = std::string(address)};
  }
  Result<HostPort> parts = split_host_port(address);
  if (!parts) return fail(operation, address, parts.error().code(), parts.error().detail());

  const Result<std::optional<IpAddress>> ip = parse_host(operation, address, *known, parts->host);
  if (!ip) return std::unexpected(ip.error());
  return NetworkAddress{.network = *known, .host = std::move(parts->host), .port = parts->port, .ip = *ip};
}

std::string ends(const Address& local, const Address& remote) {
  return make_text(text_size(local) + arrow.size() + text_size(remote), [&](char* to) {
    return write_address(std::ranges::copy(arrow, write_address(to, local)).out, remote);
  });
}

std::string written_of(std::uint64_t written, std::size_t size) {
  return std::to_string(written) + " of " + std::to_string(size) + " bytes written";
}

std::unexpected<Error> failure_of_piece(const Error& error, std::uint64_t written, std::size_t size) {
  return fail(error.operation(), error.subject(), error.code(), written_of(written, size), std::vector<Error>{error},
              written);
}

}  // namespace LEASH_NAMESPACE::net::detail
