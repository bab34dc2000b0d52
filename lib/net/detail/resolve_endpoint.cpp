#include <leash/net/detail/resolve_endpoint.hpp>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

Result<std::vector<SocketAddress>> resolve_endpoint(std::string_view operation, Call call, std::string_view network,
                                                    std::string_view address, const Endpoint& endpoint,
                                                    const std::shared_ptr<Resolver>& resolver) {
  Resolver& chosen = resolver ? *resolver : *Resolver::system();
  const Result<std::vector<std::string>> hosts = chosen.resolve(call, network, endpoint.host);
  if (!hosts) {
    const Error& error = hosts.error();
    return fail(operation, address, error.code(), error.detail(),
                std::vector<Error>(error.causes().begin(), error.causes().end()));
  }

  std::vector<SocketAddress> addresses;
  for (const std::string& host : *hosts) {
    const auto made = SocketAddress::make(host, endpoint.port);
    if (!made) return fail(operation, address, made.error(), "\"" + host + "\" is no usable numeric address");
    if (endpoint.family == Family::any || SocketAddress::family_of(host) == endpoint.family) addresses.push_back(*made);
  }
  if (addresses.empty()) {
    return fail(operation, address, std::errc::address_family_not_supported,
                std::string("the host has no address for ") + std::string(network));
  }
  return addresses;
}

}  // namespace LEASH_NAMESPACE::net::detail
