#include <algorithm>
#include <chrono>
#include <leash/context.hpp>
#include <leash/detail/deadline_after.hpp>
#include <leash/net/detail/traffic_rules.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
namespace {

/// How long Linux repeats a SYN that nobody answers.
constexpr Clock::duration patience = std::chrono::seconds(127);

bool is_at(const Traffic::Place& place, const Address& address) {
  if (place.port != 0 && place.port != address.port) return false;
  return place.host.empty() || place.host == address.host;
}

bool is_of(const Traffic& traffic, const Address& from, const Address& to) {
  if (is_at(traffic.from(), from) && is_at(traffic.to(), to)) return true;
  return !traffic.one_way() && is_at(traffic.from(), to) && is_at(traffic.to(), from);
}

bool is_of(const Traffic& traffic, const MemoryLink& link) {
  const Address& dialled = link.address(End::dialled);
  const Address& accepted = link.address(End::accepted);
  return is_of(traffic, dialled, accepted) || is_of(traffic, accepted, dialled);
}

template <class Number>
Number stricter(Number a, Number b) {
  if (a == 0 || b == 0) return std::max(a, b);
  return std::min(a, b);
}

}  // namespace

TrafficEffect TrafficRules::effect_on(const Address& from, const Address& to) const {
  TrafficEffect sum;
  for (const Rule& rule : rules_) {
    if (!is_of(rule.traffic, from, to)) continue;
    const Shape& shape = rule.effect.shape;
    sum.shape.latency =
        leash::detail::deadline_after(Clock::time_point(sum.shape.latency), shape.latency).time_since_epoch();
    sum.shape.bandwidth = stricter(sum.shape.bandwidth, shape.bandwidth);
    sum.shape.read_limit = stricter(sum.shape.read_limit, shape.read_limit);
    sum.shape.write_limit = stricter(sum.shape.write_limit, shape.write_limit);
    sum.shape.partitioned |= shape.partitioned;
    sum.refuse |= rule.effect.refuse;
  }
  return sum;
}

TrafficRules::Effects TrafficRules::effects_between(const Address& from, const Address& to) {
  const std::lock_guard lock(mutex_);
  return {effect_on(from, to), effect_on(to, from)};
}

std::uint64_t TrafficRules::add(const Traffic& traffic, const TrafficEffect& effect) {
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = ++last_number_;
    rules_.push_back({number, traffic, effect});
    any_.store(true);
  }
  shape_all(traffic);
  return number;
}

void TrafficRules::remove(std::uint64_t number) {
  Traffic traffic = Traffic::all();
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(rules_, number, &Rule::number);
    traffic = std::move(found->traffic);
    rules_.erase(found);
    any_.store(!rules_.empty());
  }
  shape_all(traffic);
}

std::vector<std::shared_ptr<MemoryLink>> TrafficRules::links_of(const Traffic& traffic) {
  std::vector<std::shared_ptr<MemoryLink>> links;
  const std::lock_guard lock(mutex_);
  for (MemoryLink* const link : links_) {
    if (!is_of(traffic, *link)) continue;
    // Null if it is being destroyed.
    if (auto held = link->weak_from_this().lock()) links.push_back(std::move(held));
  }
  return links;
}

void TrafficRules::shape(MemoryLink& link) {
  const Clock::time_point now = link.clock()->now();
  const Address& dialled = link.address(End::dialled);
  const Address& accepted = link.address(End::accepted);
  {
    // One lock for both steps: else an older set of rules could be applied after a newer one.
    const std::lock_guard lock(mutex_);
    link.set_shapes(effect_on(dialled, accepted).shape, effect_on(accepted, dialled).shape, now);
  }
  link.wake_all();
}

void TrafficRules::shape_all(const Traffic& traffic) {
  for (const auto& link : links_of(traffic)) shape(*link);
  changed_.notify_all();
}

std::size_t TrafficRules::reset(const Traffic& traffic) {
  std::size_t count = 0;
  for (const auto& link : links_of(traffic)) count += link->cut() ? 1 : 0;
  return count;
}

Admission::Admission(std::shared_ptr<TrafficRules> rules, const Context& context, Address from, Address to)
    : rules_(std::move(rules)),
      from_(std::move(from)),
      to_(std::move(to)),
      context_(rules_->concern(from_, to_) ? context.with_timeout(patience) : context),
      start_(context_.clock()->now()) {}

bool Admission::look(std::string_view subject, Result<void>& result, Clock::time_point& due) {
  if (!rules_->concern(from_, to_)) {
    result = context_.check("dial", subject);
    return true;
  }
  const Clock::time_point now = context_.clock()->now();
  // Under the lock, which `notify` takes before: so no end of the Context is missed between the two.
  const auto [there, back] = rules_->effects_between(from_, to_);
  result = context_.check("dial", subject);
  if (!result) return true;
  if (there.shape.partitioned || back.shape.partitioned) return false;
  const auto arrived = leash::detail::deadline_after(start_, there.shape.latency);
  const auto answered = leash::detail::deadline_after(arrived, back.shape.latency);
  if (now < answered) {
    due = answered;
    return false;
  }
  if (there.refuse) result = fail("dial", subject, std::errc::connection_refused);
  return true;
}

void TrafficRules::enrol(MemoryLink& link) {
  bool any = false;
  {
    const std::lock_guard lock(mutex_);
    link.index_ = links_.size();
    links_.push_back(&link);
    any = !rules_.empty();
  }
  if (any) shape(link);
}

void TrafficRules::dismiss(MemoryLink& link) {
  const std::lock_guard lock(mutex_);
  if (link.index_ >= links_.size() || links_[link.index_] != &link) return;
  links_[link.index_] = links_.back();
  links_[link.index_]->index_ = link.index_;
  links_.pop_back();
}

}  // namespace LEASH_NAMESPACE::net::detail
