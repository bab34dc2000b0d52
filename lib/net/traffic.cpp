#include <leash/net/address.hpp>
#include <leash/net/detail/memory_address.hpp>
#include <leash/net/traffic.hpp>
#include <stdexcept>

namespace LEASH_NAMESPACE::net {
namespace {

Traffic::Place place_of(std::string_view text) {
  // A path, or a host without a port; an IPv6 address without brackets is one too.
  const bool path = text.contains('/') || text.starts_with('@');
  const bool bare = text.find(':') == std::string_view::npos || detail::is_address(text);
  if (path) return {std::string(text), 0};
  if (bare) return {detail::canonical_host(text), 0};
  const Result<HostPort> parts = split_host_port(text);
  if (!parts) throw std::logic_error("leash: Traffic: " + to_string(parts.error()));
  return {detail::canonical_host(parts->host), parts->port};
}

}  // namespace

Traffic::Traffic(std::string_view from, std::string_view to, bool one_way)
    : from_(place_of(from)), to_(place_of(to)), one_way_(one_way) {}

Traffic Traffic::all() { return {std::string_view(), std::string_view(), false}; }

Traffic Traffic::between(std::string_view place, std::string_view other) { return {place, other, false}; }

Traffic Traffic::from_to(std::string_view from, std::string_view to) { return {from, to, true}; }

}  // namespace LEASH_NAMESPACE::net
