#include <leash/fault/detail/rule_plan.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::fault::detail {

void destroy(RulePlan* plan) noexcept { destroy(static_cast<PlanState*>(plan)); }

RulePlan::RulePlan(std::vector<Rule> rules) {
  entries_.reserve(rules.size());
  for (Rule& rule : rules) {
    const std::uint64_t room = rule.fault.bytes;
    entries_.push_back({.use = {.rule = std::move(rule)}, .room = room});
  }
}

std::vector<Plan::Use> RulePlan::uses() {
  const std::lock_guard lock(turn_);
  std::vector<Plan::Use> uses;
  uses.reserve(entries_.size());
  for (const Entry& entry : entries_) uses.push_back(entry.use);
  return uses;
}

std::optional<Fault> RulePlan::decide(const Point& point) {
  std::optional<Fault> fault;
  for (Entry& entry : entries_) {
    if (!entry.use.rule.fits(point)) continue;
    ++entry.use.matched;
    if (!fault) {
      fault = strike(entry, point);
      if (fault) ++entry.use.injected;
    }
  }
  return fault;
}

std::optional<Fault> RulePlan::strike(Entry& entry, const Point& point) {
  const Rule& rule = entry.use.rule;
  const std::uint64_t number = entry.use.matched;
  if (number < rule.first || (rule.times != 0 && number - rule.first >= rule.times)) return std::nullopt;
  if (rule.fault.effect != Effect::full) return rule.fault;
  if (!point.writes) {
    if (entry.room != 0) return std::nullopt;
    return Fault{.code = std::errc::no_space_on_device};
  }
  if (point.size <= entry.room) {
    entry.room -= point.size;
    return std::nullopt;
  }
  return Fault{.effect = Effect::full, .code = std::errc::no_space_on_device, .bytes = std::exchange(entry.room, 0)};
}

}  // namespace LEASH_NAMESPACE::fault::detail
