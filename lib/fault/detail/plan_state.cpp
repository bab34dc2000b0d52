#include <leash/fault/detail/plan_state.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::fault::detail {

PlanState::~PlanState() = default;

std::optional<Fault> PlanState::visit(const Point& point) {
  const std::lock_guard lock(turn_);
  if (crashed_) return Fault{.effect = Effect::fail};
  if (!broken_.empty()) {
    if (std::optional<Fault> fault = broken(point)) return fault;
  }
  std::optional<Fault> fault = decide(point);
  // Another connection may get its address.
  if (point.ends_handle) std::erase_if(broken_, [&](const Broken& each) { return each.handle == point.handle; });
  if (!fault) return fault;
  if (fault->effect == Effect::crash) crashed_ = true;
  if (fault->effect == Effect::end || fault->effect == Effect::reset) {
    broken_.push_back({std::string(point.subject), point.handle, fault->effect});
  }
  return fault;
}

std::optional<Fault> PlanState::broken(const Point& point) const {
  // What ends a handle must not fail for that.
  if (point.size == 0) return std::nullopt;
  for (const Broken& each : broken_) {
    if (each.handle == point.handle && each.subject == point.subject) return Fault{.effect = each.effect};
  }
  return std::nullopt;
}

bool PlanState::crashed() {
  const std::lock_guard lock(turn_);
  return crashed_;
}

Context with_plan_state(const Context& context, leash::detail::Ref<PlanState> state) {
  return context.with_slot(leash::detail::Slot::fault_plan, PlanSlot{&leash::detail::this_copy, std::move(state)});
}

}  // namespace LEASH_NAMESPACE::fault::detail
