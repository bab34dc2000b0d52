#include <algorithm>
#include <leash/net/conformance.hpp>
#include <leash/net/conformance/checks.hpp>
#include <leash/net/listener.hpp>
#include <ostream>
#include <utility>

namespace LEASH_NAMESPACE::net {
namespace {

using conformance::Check;

std::vector<Check> joined(std::initializer_list<std::vector<Check>> groups) {
  std::vector<Check> checks;
  for (const auto& group : groups) checks.insert(checks.end(), group.begin(), group.end());
  return checks;
}

std::vector<Check> all_conn_checks() {
  return joined({conformance::transfer_checks(), conformance::deadline_checks(), conformance::closing_checks(),
                 conformance::property_checks()});
}

std::vector<Check> all_dialer_checks() {
  return joined({conformance::dialling_checks(), conformance::listening_checks()});
}

std::vector<std::string_view> names_of(const std::vector<Check>& checks) {
  std::vector<std::string_view> names;
  names.reserve(checks.size());
  for (const Check& check : checks) names.push_back(check.name);
  return names;
}

}  // namespace

std::string to_string(const ConformanceFailure& failure) {
  return failure.check + ": expected " + failure.expected + ", but " + failure.happened;
}

std::ostream& operator<<(std::ostream& out, const ConformanceFailure& failure) { return out << to_string(failure); }

std::vector<ConformanceFailure> check_conn(MakeConnPair make_pair, const ConformanceOptions& options) {
  if (!make_pair) return {{"options", "a function that makes connections", "it is empty"}};
  return conformance::run(all_conn_checks(), {.make_pair = std::move(make_pair), .options = options});
}

std::vector<ConformanceFailure> check_dialer(Dialer& dialer, Binder& binder, const ConformanceOptions& options) {
  return conformance::run(all_dialer_checks(), {.dialer = &dialer, .binder = &binder, .options = options});
}

std::vector<std::string_view> conn_checks() { return names_of(all_conn_checks()); }

std::vector<std::string_view> dialer_checks() { return names_of(all_dialer_checks()); }

MakeConnPair dialled_pairs(Dialer& dialer, Binder& binder, const ConformanceOptions& options) {
  return [&dialer, &binder, network = options.network,
          address = options.address](const Context& context) -> Result<ConnPair> {
    auto listener = binder.bind(context, network, address);
    if (!listener) return std::unexpected(listener.error());
    auto near = dialer.dial(context, network, to_string((*listener)->address()));
    if (!near) return std::unexpected(near.error());
    auto far = (*listener)->accept(context);
    if (!far) return std::unexpected(far.error());
    // The next pair may need its address: that of the network "unix" is always the same.
    if (auto closed_listener = (*listener)->close(); !closed_listener) return std::unexpected(closed_listener.error());
    return ConnPair{.near = *std::move(near), .far = *std::move(far)};
  };
}

}  // namespace LEASH_NAMESPACE::net
