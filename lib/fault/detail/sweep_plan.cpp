#include <algorithm>
#include <functional>
#include <leash/fault/detail/child.hpp>
#include <leash/fault/detail/sweep_plan.hpp>
#include <mutex>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::fault::detail {
namespace {

std::uint32_t hash_of_subject(std::string_view subject) noexcept {
  return static_cast<std::uint32_t>(std::hash<std::string_view>()(subject));
}

}  // namespace

void SweepPlan::end() {
  const std::lock_guard lock(turn_);
  places_ = nullptr;
}

void SweepPlan::reserve(std::size_t steps, std::size_t places) {
  visits_.reserve(steps);
  counts_.resize(places);
}

std::string SweepPlan::token() {
  const std::lock_guard lock(turn_);
  return places_ != nullptr ? token_of(struck_) : std::string();
}

void SweepPlan::write_token_unlocked(TokenBuffer& out) const noexcept {
  if (places_ != nullptr) write_token(out, struck_);
}

std::optional<Fault> SweepPlan::decide(const Point& point) {
  if (places_ == nullptr) return std::nullopt;
  const NumberedPlace place = places_->find(point);
  if (place.number >= counts_.size()) counts_.resize(place.number + std::size_t{1});
  const std::uint32_t occurrence = ++counts_[place.number];
  if (occurrence == 1 && !unbound_.empty()) bind(place);
  const Step step{place.number, occurrence};
  if (visits_.size() < most_steps) {
    // What comes before a fault was seen in the run without it.
    const bool looks = script_.empty() || !struck_.empty();
    visits_.push_back({step, looks ? hash_of_subject(point.subject) : 0});
  }
  for (const Injection& each : script_) {
    if (each.step.place != place.number || occurrence < each.step.occurrence ||
        occurrence - each.step.occurrence >= each.times) {
      continue;
    }
    if (notes_ != nullptr) notes_->add_struck(point.subject);
    const bool cut_short = each.fault.effect == Effect::shorten && point.writes && each.fault.bytes < point.size;
    struck_.push_back({.injection = {step, 1, each.fault},
                       .place = place.place,
                       .subject = std::string(point.subject),
                       .site = point.site,
                       .at = visits_.size(),
                       .failed = cut_short || each.fault.reports_failure()});
    return each.fault;
  }
  return std::nullopt;
}

void SweepPlan::bind(NumberedPlace place) {
  std::erase_if(unbound_, [&](const TokenItem& item) {
    if (item.key != short_key(*place.place)) return false;
    script_.push_back({{place.number, item.occurrence}, item.times, item.fault});
    return true;
  });
}

void SweepPlan::keep(std::shared_ptr<void> object) {
  const std::lock_guard lock(turn_);
  if (places_ != nullptr) kept_.push_back(std::move(object));
}

std::vector<std::shared_ptr<void>> SweepPlan::take_kept() {
  const std::lock_guard lock(turn_);
  return std::exchange(kept_, {});
}

void SweepPlan::add_broken(std::string what, track::Site site) {
  const std::lock_guard lock(turn_);
  broken_invariants_.push_back({std::move(what), site});
}

std::vector<Struck> SweepPlan::struck() {
  const std::lock_guard lock(turn_);
  return struck_;
}

std::vector<Visit> SweepPlan::take_visits() {
  const std::lock_guard lock(turn_);
  return std::exchange(visits_, {});
}

std::vector<SweepPlan::Broken> SweepPlan::take_broken() {
  const std::lock_guard lock(turn_);
  return std::exchange(broken_invariants_, {});
}

std::vector<TokenItem> SweepPlan::unbound() {
  const std::lock_guard lock(turn_);
  return unbound_;
}

SweepPlan* find_sweep_plan(const Context& context) noexcept {
  PlanState* const plan = find_plan(context);
  return plan == nullptr ? nullptr : plan->as_sweep();
}

}  // namespace LEASH_NAMESPACE::fault::detail
