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
  const Result<std::vector<IpAddress>> found = chosen.resolve(call, network, parsed.host);
  if (!found) {
    const Error& error = found.error();
    std::string detail(error.detail());
    if (detail.empty() && call.context().done()) detail = "while resolving " + parsed.host;
    return fail(operation, address, error.code(), detail,
                std::vector<Error>(error.causes().begin(), error.causes().end()));
  }
  std::vector<Endpoint> endpoints;
  for (const IpAddress& ip : *found) endpoints.push_back({ip, parsed.port});
  return endpoints;
}

}  // namespace LEASH_NAMESPACE::net::detail
