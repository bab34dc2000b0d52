#pragma once

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/detail/copy.hpp>
#include <leash/detail/ref.hpp>
#include <leash/fault/fault.hpp>
#include <leash/fault/point.hpp>
#include <leash/os/turn.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::fault::detail {

class SweepPlan;

/// What decides about the operations under a Context: the rules of a Plan, or a run of a sweep. Thread-safe.
class PlanState : public leash::detail::RefCounted {
 public:
  PlanState(const PlanState&) = delete;
  PlanState& operator=(const PlanState&) = delete;
  virtual ~PlanState();

  /// The fault that strikes this operation, which is about to be done, or nothing. Counts it.
  std::optional<Fault> visit(const Point& point);

  bool crashed();

  /// This, if it is a run of a sweep; else null.
  virtual SweepPlan* as_sweep() noexcept { return nullptr; }

  friend void destroy(PlanState* state) noexcept { delete state; }

 protected:
  PlanState() = default;

  /// As `visit`, but for what a connection or a machine that is broken meets. Under `turn_`.
  virtual std::optional<Fault> decide(const Point& point) = 0;

  os::Turn turn_;  ///< A Turn, since sources may be read under it.

 private:
  struct Broken {
    std::string subject;
    const void* handle;
    Effect effect;
  };

  std::optional<Fault> broken(const Point& point) const;

  bool crashed_ = false;
  std::vector<Broken> broken_;  ///< The connections that have met `end` or `reset`.
};

/// What lies in the slot of a Context.
struct PlanSlot {
  leash::detail::Copy* copy;  ///< The copy of leash that made it, which alone knows what lies there.
  leash::detail::Ref<PlanState> state;
};

Context with_plan_state(const Context& context, leash::detail::Ref<PlanState> state);

/// The plan that `context` carries, for as long as that lives; or null.
inline PlanState* find_plan(const Context& context LEASH_LIFETIMEBOUND) noexcept {
  const auto* const slot = static_cast<const PlanSlot*>(context.slot(leash::detail::Slot::fault_plan));
  return slot != nullptr && slot->copy == &leash::detail::this_copy ? slot->state.get() : nullptr;
}

}  // namespace LEASH_NAMESPACE::fault::detail
