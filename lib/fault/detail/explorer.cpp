#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <leash/detail/escape.hpp>
#include <leash/fault/detail/explorer.hpp>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::fault::detail {
namespace {

using namespace std::chrono_literals;

std::uint64_t step_number(Step step) noexcept { return std::uint64_t{step.place} << 32U | step.occurrence; }

bool in_order(Step a, Step b) noexcept { return step_number(a) < step_number(b); }

/// Whether two runs did the same, in whatever order their threads did it.
bool same_steps(std::vector<Step> a, std::vector<Step> b) {
  std::ranges::sort(a, in_order);
  std::ranges::sort(b, in_order);
  return a == b;
}

bool comes_to(const Run& run, Step step) { return std::ranges::find(run.steps, step) != run.steps.end(); }

}  // namespace

Explorer::Explorer(const SweepBody& body, const SweepOptions& options)
    : options_(options),
      runner_(body, options, true),
      ledger_(runner_.places(), options, body.tells_success()),
      began_(Clock::real()->now()),
      shows_progress_(::isatty(STDERR_FILENO) != 0),
      next_progress_(began_ + 1s) {}

SweepResult Explorer::explore() {
  if (run_without_faults()) {
    for (; !pending_.empty(); pending_.pop_front()) {
      const Pending pending = std::move(pending_.front());
      try_step(pending);
    }
    try_pairs();
  }
  if (shows_progress_ && next_progress_ > began_ + 1s) std::fputs("\r\x1b[K", stderr);
  tell_what_was_not_tried();
  if (missed_ != 0) {
    result_.remarks.push_back("the order of operations is not repeatable: in " + std::to_string(missed_) +
                              " runs the operation that was to fail did not come");
  }
  if (runner_.runs() >= options_.max_runs || Clock::real()->now() - began_ >= options_.max_time) {
    if (result_.left_out != 0) result_.remarks.emplace_back("the budget is spent: SweepOptions::max_runs and max_time");
  }
  if constexpr (!tracking_enabled) {
    result_.remarks.emplace_back("built with LEASH_TRACKING=OFF: no run was checked for open handles");
  }
  result_.groups = ledger_.take_groups();
  result_.runs = runner_.runs();
  result_.time = Clock::real()->now() - began_;
  return std::move(result_);
}

void Explorer::tell_what_was_not_tried() {
  if (!runner_.other_threads().empty()) {
    std::string names;
    for (const std::string& name : runner_.other_threads())
      names += (names.empty() ? "" : ", ") + leash::detail::escape(name);
    result_.problems.push_back("runs cannot be isolated, since the process has other threads: " + names);
  }
  std::string names;
  for (std::size_t index = 0; index < runner_.places().size(); ++index) {
    const Place& place = runner_.places()[index];
    if (!place.own || options_.faults.knows(place.operation)) continue;
    const std::string name = leash::detail::escape(place.operation);
    if (!names.contains(name)) names += (names.empty() ? "" : ", ") + name;
  }
  if (names.empty()) return;
  const std::string what =
      "nothing fits these operations, so that they never failed: " + names + "; see FittingFaults::set";
  (result_.points == 0 ? result_.problems : result_.remarks).push_back(what);
}

bool Explorer::run_without_faults() {
  Run first = runner_.run(Script());
  if (!runner_.other_threads().empty()) return false;
  ledger_.judge(first);
  if (first.error) result_.problems.push_back("the body fails without any fault: " + to_string(*first.error));
  if (first.steps.empty() && !first.death && !first.hung) {
    result_.problems.emplace_back(
        "the body does nothing under its Context that could fail: it has to pass that Context on, to a fs::FaultFS, a "
        "net::FaultDialer or a net::FaultBinder");
  }
  if (first.steps.size() == SweepPlan::most_steps) {
    result_.problems.push_back("the body does more than " + std::to_string(SweepPlan::most_steps) + " operations");
  }
  if (first.error || first.thrown || first.steps.empty() || !result_.problems.empty()) return false;
  const Run second = runner_.run(Script());
  if (!runner_.other_threads().empty()) return false;
  ledger_.judge(second);
  if (!same_steps(first.steps, second.steps)) {
    result_.remarks.push_back("the body is not repeatable: two runs without faults did different operations (" +
                              std::to_string(first.steps.size()) + " and " + std::to_string(second.steps.size()) +
                              "), so that some may be missed");
  }
  for (const Step step : first.steps) {
    if (known_.insert(step_number(step)).second) pending_.push_back({{}, step});
  }
  return true;
}

void Explorer::try_step(const Pending& pending) {
  const std::vector<Fault>& faults = faults_at(pending.step);
  if (faults.empty()) return;
  ++result_.points;
  if (!pending.prefix.empty()) ++result_.points_after_faults;
  const Place& place = runner_.places()[pending.step.place];
  result_.coverage.push_back({.operation = place.operation,
                              .place = place.location,
                              .occurrence = pending.step.occurrence,
                              .after_fault = !pending.prefix.empty()});
  for (const Fault& fault : faults) try_fault(pending, fault);
}

void Explorer::try_fault(const Pending& pending, const Fault& fault) {
  if (spent()) {
    ++result_.left_out;
    return;
  }
  ++result_.coverage.back().tried;
  Script script = pending.prefix;
  script.push_back({pending.step, 1, fault});
  Run run;
  const bool failed = try_script(script, run);
  if (run.struck.size() < script.size()) return;
  const Step next{pending.step.place, pending.step.occurrence + 1};
  if (options_.in_a_row > 1 && fault.reports_failure() && comes_to(run, next)) try_in_a_row(script);
  if (!failed && pending.prefix.empty() && fault.reports_failure()) note_pairs(script, run);
}

void Explorer::try_in_a_row(const Script& script) {
  Script longer = script;
  Injection& last = longer.back();
  for (last.times = 2; last.times <= options_.in_a_row; ++last.times) {
    if (spent()) {
      ++result_.left_out;
      return;
    }
    Run run;
    try_script(longer, run);
    if (!comes_to(run, {last.step.place, last.step.occurrence + last.times})) return;
  }
}

void Explorer::note_pairs(const Script& script, const Run& run) {
  if (options_.faults_per_run < 2) return;
  for (std::size_t at = run.struck.back().at; at < run.steps.size(); ++at) {
    if (faults_at(run.steps[at]).empty()) continue;
    if (pairs_.size() < options_.max_runs) {
      pairs_.push_back({script.front(), run.steps[at]});
    } else {
      ++result_.left_out;
    }
  }
}

void Explorer::try_pairs() {
  for (const Pair& pair : pairs_) {
    if (spent()) {
      ++result_.left_out;
      continue;
    }
    unsigned& failures = failures_of_second_[step_number(pair.second)];
    if (failures >= enough_failures) {
      ++result_.pruned;
      continue;
    }
    const std::vector<Fault>& faults = faults_at(pair.second);
    const auto plain = std::ranges::find_if(faults, [](const Fault& fault) { return fault.reports_failure(); });
    Run run;
    if (try_script({pair.first, {pair.second, 1, plain == faults.end() ? faults.front() : *plain}}, run)) ++failures;
    for (; !pending_.empty(); pending_.pop_front()) {
      const Pending pending = std::move(pending_.front());
      try_step(pending);
    }
  }
}

bool Explorer::try_script(const Script& script, Run& run) {
  run = runner_.run(script);
  if (run.struck.size() < script.size()) ++missed_;
  const bool failed = ledger_.judge(run);
  follow(script, run);
  show_progress();
  return failed;
}

void Explorer::follow(const Script& script, const Run& run) {
  if (run.struck.size() < script.size()) return;
  // What is tried again fails in a row instead.
  const Injection& last = run.struck.back().injection;
  const Step again{last.step.place, last.step.occurrence + 1};
  for (std::size_t at = run.struck.back().at; at < run.steps.size(); ++at) {
    if (!known_.insert(step_number(run.steps[at])).second) continue;
    if (run.steps[at] == again && last.fault.reports_failure()) continue;
    if (script.size() <= longest_prefix) pending_.push_back({script, run.steps[at]});
  }
}

bool Explorer::spent() {
  return !runner_.other_threads().empty() || runner_.runs() >= options_.max_runs ||
         Clock::real()->coarse_now() - began_ >= options_.max_time;
}

void Explorer::show_progress() {
  if (!shows_progress_) return;
  const Clock::time_point now = Clock::real()->coarse_now();
  if (now < next_progress_) return;
  next_progress_ = now + 200ms;
  std::fprintf(stderr, "\rleash: sweep: %llu runs, %zu points and %zu pairs to go\x1b[K",
               static_cast<unsigned long long>(runner_.runs()), pending_.size(), pairs_.size());
  std::fflush(stderr);
}

}  // namespace LEASH_NAMESPACE::fault::detail
