#include <leash/net/detail/endpoint.hpp>
#include <leash/net/detail/socket_address.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

Family family_of(std::string_view network) noexcept {
  if (network == "tcp4") return Family::v4;
  return network == "tcp6" ? Family::v6 : Family::any;
}

Family literal_family(std::string_view host) { return SocketAddress::family_of(host); }

std::string ends(const Address& local, const Address& remote) { return to_string(local) + " -> " + to_string(remote); }

std::string written_of(std::size_t written, std::size_t size) {
  return std::to_string(written) + " of " + std::to_string(size) + " bytes written";
}

Result<Endpoint> parse_endpoint(std::string_view operation, std::string_view network, std::string_view address) {
  if (network == "unix") {
    return fail(operation, address, std::errc::operation_not_supported, "the network \"unix\" is not supported yet");
  }
  if (network != "tcp" && network != "tcp4" && network != "tcp6") {
    return fail(operation, address, std::errc::invalid_argument,
                "unknown network \"" + std::string(network) + "\"; known are tcp, tcp4, tcp6");
  }
  Result<HostPort> parts = split_host_port(address);
  if (!parts) return fail(operation, address, parts.error().code(), parts.error().detail());

  const Family wanted = family_of(network);
  const Family given = literal_family(parts->host);
  if (wanted != Family::any && given != Family::any && wanted != given) {
    return fail(
        operation, address, std::errc::address_family_not_supported,
        std::string(network) + (given == Family::v6 ? " cannot reach an IPv6" : " cannot reach an IPv4") + " address");
  }
  return Endpoint{wanted, std::move(parts->host), parts->port};
}

}  // namespace LEASH_NAMESPACE::net::detail
