#include <leash/net/detail/endpoint.hpp>
#include <leash/net/detail/system_resolver.hpp>
#include <leash/net/errc.hpp>
#include <leash/net/resolver.hpp>
#include <leash/os/lazy.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

Resolver::~Resolver() = default;

Result<std::vector<std::string>> Resolver::resolve(Call call, std::string_view network, std::string_view host) {
  Result<void> checked = call.context().check("resolve", host);
  if (!checked) return std::unexpected(std::move(checked).error());
  if (detail::literal_family(host) != detail::Family::any) return std::vector{std::string(host)};
  Result<std::vector<std::string>> addresses = do_resolve(call, network, host);
  if (addresses && addresses->empty())
    return fail("resolve", host, make_error_code(errc::host_not_found), "no address");
  return addresses;
}

const std::shared_ptr<Resolver>& Resolver::system() {
  // Never destroyed: the destructor of a static object may still dial.
  static constinit os::Lazy<std::shared_ptr<Resolver>> resolver;
  return resolver.get([] { return new std::shared_ptr<Resolver>(std::make_shared<detail::SystemResolver>()); });
}

}  // namespace LEASH_NAMESPACE::net
