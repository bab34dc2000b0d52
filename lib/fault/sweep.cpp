#include <algorithm>
#include <cstdlib>
#include <leash/fault/detail/explorer.hpp>
#include <leash/fault/sweep.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::fault {

namespace {

/// What a token asks for that the run did not come to, and why.
std::optional<std::string> what_is_gone(const std::vector<detail::TokenItem>& items, const detail::Run& run,
                                        const detail::Places& places) {
  const auto text = [](const detail::TokenItem& item, std::uint32_t occurrence) {
    return item.operation + " number " + std::to_string(occurrence) + " in " + item.function;
  };
  if (!run.unbound.empty()) {
    const std::string_view why = places.reads_sources() ? ": that line is gone, or was changed"
                                                        : ": the sources cannot be read from this folder, and a line "
                                                          "is then known by its number alone";
    return text(run.unbound.front(), run.unbound.front().occurrence).append(why);
  }
  for (const detail::TokenItem& item : items) {
    for (std::uint32_t time = 0; time < item.times; ++time) {
      const auto is_struck = [&](const detail::Struck& struck) {
        return detail::short_key(*struck.place) == item.key &&
               struck.injection.step.occurrence == item.occurrence + time;
      };
      if (std::ranges::any_of(run.struck, is_struck)) continue;
      return text(item, item.occurrence + time) + ": it takes another way";
    }
  }
  return std::nullopt;
}

}  // namespace

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
  const detail::CrashReport crash_report;
  detail::Places places(options.faults);
  detail::Runner runner(body, options, places, false);
  const Clock::time_point began = Clock::real()->now();
  const detail::Run run = runner.replay(*items);
  if (const std::optional<std::string> gone = what_is_gone(*items, run, places)) {
    return fail("replay", token, std::errc::invalid_argument, "the run does not come to " + *gone);
  }
  detail::Ledger ledger(options, body.tells_success());
  ledger.judge(run);
  SweepResult result;
  result.remarks.push_back("only what the token says was run: " + detail::describe(run.struck));
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
