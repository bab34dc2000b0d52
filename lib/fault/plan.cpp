#include <cstdlib>
#include <leash/fault/detail/rule_plan.hpp>
#include <leash/fault/detail/strike.hpp>
#include <leash/fault/plan.hpp>
#include <utility>

namespace LEASH_NAMESPACE::fault {

using leash::detail::Ref;

Plan::Plan(std::vector<Rule> rules) : state_(new detail::RulePlan(std::move(rules))) {}
Plan::Plan(const Plan&) noexcept = default;
Plan& Plan::operator=(const Plan&) noexcept = default;
Plan::~Plan() = default;

Result<Plan> Plan::from_environment() {
  const char* const text = std::getenv("LEASH_FAULTS");
  if (text == nullptr) return Plan();
  Result<std::vector<Rule>> rules = parse_rules(text, "LEASH_FAULTS");
  if (!rules) return std::unexpected(rules.error());
  return Plan(*std::move(rules));
}

std::vector<Plan::Use> Plan::uses() const { return state_->uses(); }

std::uint64_t Plan::injected() const {
  std::uint64_t sum = 0;
  for (const Use& use : uses()) sum += use.injected;
  return sum;
}

std::vector<Rule> Plan::unmatched() const {
  std::vector<Rule> rules;
  for (Use& use : uses()) {
    if (use.matched == 0) rules.push_back(std::move(use.rule));
  }
  return rules;
}

bool Plan::crashed() const { return state_->crashed(); }

Context with_plan(const Context& context, const Plan& plan) {
  return detail::with_plan_state(context, Ref<detail::PlanState>(plan.state_.get()));
}

bool has_plan(const Context& context) noexcept { return detail::find_plan(context) != nullptr; }

namespace {

/// A point of the user's own as `strike` takes an operation.
struct OwnOperation {
  std::string_view operation;
  std::string_view subject;
  const Context& context;
  std::source_location site;
  std::uint64_t size = 0;
  std::uint64_t transferred = 0;

  std::unexpected<Error> fail(std::errc code, std::string_view detail) const {
    return leash::fail(operation, subject, code, detail);
  }
};

}  // namespace

Result<void> check(Call call, std::string_view operation, std::string_view subject) {
  detail::PlanState* const plan = detail::find_plan(call.context());
  if (plan == nullptr) return {};
  const std::optional<Fault> fault =
      plan->visit({.operation = operation, .subject = subject, .own = true, .site = call.site()});
  if (!fault) return {};
  OwnOperation own{.operation = operation, .subject = subject, .context = call.context(), .site = call.site()};
  return detail::strike(*fault, own, detail::Transfer::none, [] { return Result<void>(); });
}

}  // namespace LEASH_NAMESPACE::fault
