#include <cstdlib>
#include <leash/fault/detail/explorer.hpp>
#include <leash/fault/sweep.hpp>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::fault {

SweepResult sweep(const SweepBody& body, const SweepOptions& options) {
  const char* const token = std::getenv("LEASH_REPLAY");
  if (token == nullptr || *token == '\0') return detail::Explorer(body, options).explore();
  Result<SweepResult> result = replay(token, body, options);
  if (result) return *std::move(result);
  SweepResult failed;
  failed.problems.push_back("LEASH_REPLAY: " + to_string(result.error()));
  return failed;
}

Result<SweepResult> replay(std::string_view token, const SweepBody& body, const SweepOptions& options) {
  Result<std::vector<detail::TokenItem>> items = detail::parse_token(token);
  if (!items) return std::unexpected(items.error());
  detail::Runner runner(body, options, false);
  const Clock::time_point began = Clock::real()->now();
  const detail::Run run = runner.replay(*items);
  const std::size_t missing = run.unbound.size();
  if (missing != 0 || run.struck.size() < items->size()) {
    const detail::TokenItem& gone = missing != 0 ? run.unbound.front() : items->back();
    return fail("replay", token, std::errc::invalid_argument,
                "the run does not come to " + gone.operation + " number " + std::to_string(gone.occurrence) + " in " +
                    gone.function + (missing != 0 ? ": that line is gone, or was changed" : ": it takes another way"));
  }
  detail::Ledger ledger(runner.places(), options, body.tells_success());
  ledger.judge(run);
  SweepResult result;
  result.remarks.push_back("only what the token says was run: " + detail::describe(runner.places(), run.struck));
  result.groups = ledger.take_groups();
  result.points = items->size();
  result.runs = 1;
  result.time = Clock::real()->now() - began;
  return result;
}

void keep_until_verdict(const Context& context, std::shared_ptr<void> object) {
  if (detail::SweepPlan* const plan = detail::find_sweep_plan(context)) plan->keep(std::move(object));
}

bool expect(Call call, bool holds, std::string_view what) {
  if (holds) return true;
  if (detail::SweepPlan* const plan = detail::find_sweep_plan(call.context())) {
    plan->add_broken(std::string(what), call.site());
  }
  return false;
}

}  // namespace LEASH_NAMESPACE::fault
