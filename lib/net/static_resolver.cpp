#include <algorithm>
#include <leash/detail/escape.hpp>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/errc.hpp>
#include <leash/net/static_resolver.hpp>
#include <stdexcept>
#include <utility>

namespace LEASH_NAMESPACE::net {
namespace {

using Host = std::pair<std::string, std::vector<std::string>>;

std::string lower_case(std::string_view host) {
  std::string lower(host);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

[[noreturn]] void reject(std::string_view text, std::string_view why) {
  throw std::logic_error("leash: StaticResolver: \"" + leash::detail::escape(text) + "\": " + std::string(why));
}

}  // namespace

StaticResolver::StaticResolver(Table table) {
  for (const Entry& entry : table) {
    if (entry.host.empty() || IpAddress::parse(entry.host) || !detail::host_name_defect(entry.host).empty()) {
      reject(entry.host, "not the name of a host");
    }
    for (const std::string_view text : entry.addresses) {
      if (!IpAddress::parse(text)) reject(text, "not a numeric address");
    }
    std::vector<std::string> addresses(entry.addresses.begin(), entry.addresses.end());
    if (addresses.empty()) reject(entry.host, "a host without an address");
    std::string host = lower_case(entry.host);
    if (std::ranges::find(hosts_, host, &Host::first) != hosts_.end()) reject(entry.host, "given twice");
    hosts_.emplace_back(std::move(host), std::move(addresses));
  }
}

Result<std::vector<std::string>> StaticResolver::do_resolve(Call, std::string_view, std::string_view host) {
  const auto found = std::ranges::find(hosts_, lower_case(host), &Host::first);
  if (found == hosts_.end()) return fail("resolve", host, make_error_code(errc::host_not_found), "not in the table");
  return found->second;
}

void StaticResolver::do_async_resolve(Call call, std::string_view network, std::string_view host,
                                      Function<void(Result<std::vector<std::string>>)> done) {
  done(do_resolve(call, network, host));
}

}  // namespace LEASH_NAMESPACE::net
