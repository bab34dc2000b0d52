#include <leash/net/detail/traffic_rules.hpp>
#include <leash/net/traffic_rule.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

TrafficRule::TrafficRule() noexcept = default;

TrafficRule::TrafficRule(std::shared_ptr<detail::TrafficRules> rules, std::uint64_t number) noexcept
    : rules_(std::move(rules)), number_(number) {}

TrafficRule::TrafficRule(TrafficRule&& other) noexcept = default;

TrafficRule& TrafficRule::operator=(TrafficRule&& other) noexcept {
  TrafficRule taken(std::move(other));
  std::swap(rules_, taken.rules_);
  std::swap(number_, taken.number_);
  return *this;
}

TrafficRule::~TrafficRule() { end(); }

void TrafficRule::end() {
  if (const auto rules = std::exchange(rules_, nullptr)) rules->remove(number_);
}

}  // namespace LEASH_NAMESPACE::net
