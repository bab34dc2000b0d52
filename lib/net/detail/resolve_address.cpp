#include <leash/context.hpp>
#include <leash/net/detail/resolve_address.hpp>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

Result<std::vector<Endpoint>> resolve_address(std::string_view operation, Call call, std::string_view network,
                                              std::string_view address, const NetworkAddress& parsed,
                                              const std::shared_ptr<Resolver>& resolver) {
  if (parsed.ip) return std::vector{Endpoint{*parsed.ip, parsed.port}};
  Resolver& chosen = resolver ? *resolver : *Resolver::system();
  return resolved_address(operation, call.context(), address, parsed, chosen.resolve(call, network, parsed.host));
}

Result<std::vector<Endpoint>> resolved_address(std::string_view operation, const Context& context,
                                               std::string_view address, const NetworkAddress& parsed,
                                               const Result<std::vector<IpAddress>>& found) {
  if (!found) {
    const Error& error = found.error();
    std::string detail(error.detail());
    if (detail.empty() && context.done()) detail = "while resolving " + parsed.host;
    return fail(operation, address, error.code(), detail,
                std::vector<Error>(error.causes().begin(), error.causes().end()));
  }
  std::vector<Endpoint> endpoints;
  for (const IpAddress& ip : *found) endpoints.push_back({ip, parsed.port});
  return endpoints;
}

}  // namespace LEASH_NAMESPACE::net::detail
