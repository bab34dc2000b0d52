#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/detail/ref.hpp>
#include <leash/fault/rule.hpp>
#include <leash/result.hpp>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::fault {

namespace detail {
class RulePlan;
void destroy(RulePlan* plan) noexcept;
}  // namespace detail

/// Which operations fail, and how: rules that travel in a Context, as the tracker does, and never in a global. What is
/// done under that Context through a `fs::FaultFS`, a `net::FaultDialer` or a `net::FaultBinder` meets them.
///
///     fault::Plan plan(fault::parse_rules("fail open \"*.csv\" #2 with EMFILE").value());
///     leash::Context ctx = fault::with_plan(leash::Context::background(), plan);
///     import_all(ctx, files);
///     CHECK(plan.injected() == 1);
///
/// A handle to shared state: copies are the same plan. All members are thread-safe. Of several rules that an operation
/// meets, each counts it, and the first that is due strikes.
class Plan {
 public:
  explicit Plan(std::vector<Rule> rules = {});
  Plan(const Plan&) noexcept;
  Plan& operator=(const Plan&) noexcept;
  ~Plan();

  /// The plan of the environment's `LEASH_FAULTS`, rules as `parse_rules` reads them; one without rules if that is not
  /// set. Fails as `parse_rules` does.
  [[nodiscard]] static Result<Plan> from_environment();

  /// What became of a rule.
  struct Use {
    Rule rule;
    std::uint64_t matched = 0;   ///< How many operations it fits.
    std::uint64_t injected = 0;  ///< How many it has struck.
  };

  /// The rules in their order, with what became of them until now.
  [[nodiscard]] std::vector<Use> uses() const;

  /// How many operations were struck until now.
  [[nodiscard]] std::uint64_t injected() const;

  /// The rules that have fit no operation until now: they are perhaps misspelt.
  [[nodiscard]] std::vector<Rule> unmatched() const;

  /// Whether a fault has stopped the machine: every operation fails since then.
  [[nodiscard]] bool crashed() const;

 private:
  friend Context with_plan(const Context& context, const Plan& plan);

  leash::detail::Ref<detail::RulePlan> state_;
};

/// A child of `context` that carries `plan`.
[[nodiscard]] Context with_plan(const Context& context, const Plan& plan);

/// Whether `context` carries a plan, or is that of a run of `sweep`.
[[nodiscard]] bool has_plan(const Context& context) noexcept;

/// A point of the user's own: asks the plan of the Context whether `operation` on `subject` fails now. Success if there
/// is no plan or no fault; else the fault's Error. `operation` must live as long as the program, as a literal does.
///
///     if (auto ok = fault::check(call, "query", text); !ok) return std::unexpected(ok.error());
[[nodiscard]] Result<void> check(Call call, std::string_view operation, std::string_view subject);

// What a call without a Context is told.
Result<void> check(NoContext, std::string_view, std::string_view);

}  // namespace LEASH_NAMESPACE::fault
