#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/fault/detail/plan_state.hpp>
#include <leash/fault/plan.hpp>
#include <optional>
#include <vector>

namespace LEASH_NAMESPACE::fault::detail {

/// What the copies of a Plan share.
class RulePlan final : public PlanState {
 public:
  explicit RulePlan(std::vector<Rule> rules);

  std::vector<Plan::Use> uses();

 private:
  struct Entry {
    Plan::Use use;
    std::uint64_t room = 0;  ///< Of `full`: how many bytes the disk still takes.
  };

  std::optional<Fault> decide(const Point& point) override;
  static std::optional<Fault> strike(Entry& entry, const Point& point);

  std::vector<Entry> entries_;
};

}  // namespace LEASH_NAMESPACE::fault::detail
