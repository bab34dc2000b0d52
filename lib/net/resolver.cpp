#include <leash/net/detail/network_address.hpp>
#include <leash/net/detail/system_resolver.hpp>
#include <leash/net/errc.hpp>
#include <leash/net/resolver.hpp>
#include <leash/os/lazy.hpp>
#include <optional>
#include <utility>

namespace LEASH_NAMESPACE::net {

Resolver::~Resolver() = default;

Result<std::vector<IpAddress>> Resolver::resolve(Call call, std::string_view network, std::string_view host) {
  Result<void> checked = call.context().check("resolve", host);
  if (!checked) return std::unexpected(std::move(checked).error());
  const std::optional<detail::Network> known = detail::find_network(network);
  if (!known || known == detail::Network::unix_stream) {
    return fail("resolve", host, std::errc::invalid_argument,
                "unknown network \"" + std::string(network) + "\"; known are tcp, tcp4, tcp6");
  }
  const Result<std::optional<IpAddress>> numeric = detail::parse_host("resolve", host, *known, host);
  if (!numeric) return std::unexpected(numeric.error());
  if (*numeric) return std::vector{**numeric};
  const Result<std::vector<std::string>> texts = do_resolve(call, network, host);
  if (!texts) return std::unexpected(texts.error());
  checked = call.context().check("resolve", host);
  if (!checked) return std::unexpected(std::move(checked).error());
  if (texts->empty()) return fail("resolve", host, make_error_code(errc::host_not_found), "no address");
  std::vector<IpAddress> addresses;
  for (const std::string& text : *texts) {
    const Result<IpAddress> address = IpAddress::parse(text);
    if (!address) return fail("resolve", host, address.error().code(), "\"" + text + "\" is no numeric address");
    const IpAddress unmapped = address->unmapped();
    if (detail::allows(*known, unmapped)) addresses.push_back(unmapped);
  }
  if (addresses.empty()) {
    return fail("resolve", host, std::errc::address_family_not_supported,
                "the host has no address for " + std::string(network));
  }
  return addresses;
}

const std::shared_ptr<Resolver>& Resolver::system() {
  // Never destroyed: the destructor of a static object may still dial.
  static constinit os::Lazy<std::shared_ptr<Resolver>> resolver;
  return resolver.get([] { return new std::shared_ptr<Resolver>(std::make_shared<detail::SystemResolver>()); });
}

}  // namespace LEASH_NAMESPACE::net
