#include <algorithm>
#include <leash/fault/detail/sweep_plan.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::fault::detail {

void SweepPlan::end() {
  const std::lock_guard lock(turn_);
  places_ = nullptr;
}

void SweepPlan::reserve(std::size_t steps, std::size_t places) {
  steps_.reserve(steps);
  counts_.resize(places);
}

std::string SweepPlan::token() {
  const std::lock_guard lock(turn_);
  return places_ != nullptr ? token_of(*places_, struck_) : std::string();
}

void SweepPlan::write_token_unlocked(TokenBuffer& out) const noexcept {
  if (places_ != nullptr) write_token(out, *places_, struck_);
}

std::optional<Fault> SweepPlan::decide(const Point& point) {
  if (places_ == nullptr) return std::nullopt;
  const std::size_t place = places_->index_of(point);
  if (place >= counts_.size()) counts_.resize(place + 1);
  const std::uint32_t occurrence = ++counts_[place];
  if (occurrence == 1 && !unbound_.empty()) bind(place);
  const Step step{static_cast<std::uint32_t>(place), occurrence};
  if (steps_.size() < most_steps) steps_.push_back(step);
  for (const Injection& each : script_) {
    if (each.step.place != place || occurrence < each.step.occurrence ||
        occurrence - each.step.occurrence >= each.times) {
      continue;
    }
    struck_.push_back({{step, 1, each.fault}, std::string(point.subject), point.site, steps_.size()});
    return each.fault;
  }
  return std::nullopt;
}

void SweepPlan::bind(std::size_t place) {
  std::erase_if(unbound_, [&](const TokenItem& item) {
    if (item.key != short_key((*places_)[place])) return false;
    script_.push_back({{static_cast<std::uint32_t>(place), item.occurrence}, item.times, item.fault});
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

std::vector<Step> SweepPlan::take_steps() {
  const std::lock_guard lock(turn_);
  return std::exchange(steps_, {});
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
