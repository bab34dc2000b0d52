#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <leash/detail/escape.hpp>
#include <leash/fault/detail/explorer.hpp>
#include <string>
#include <system_error>
#include <utility>

namespace LEASH_NAMESPACE::fault::detail {
namespace {

using namespace std::chrono_literals;

std::uint64_t step_number(Step step) noexcept { return std::uint64_t{step.place} << 32U | step.occurrence; }

bool in_order(Step a, Step b) noexcept { return step_number(a) < step_number(b); }

bool same_step(const Visit& a, const Visit& b) noexcept { return a.step == b.step; }

/// In one order, in whatever order threads came to them.
std::vector<Visit> sorted(std::vector<Visit> visits) {
  std::ranges::sort(visits, in_order, &Visit::step);
  return visits;
}

bool comes_to(const Run& run, Step step) {
  return std::ranges::find(run.visits, step, &Visit::step) != run.visits.end();
}

/// The step at which the same place would be come to once more.
Step step_after(const Injection& injection) noexcept {
  return {injection.step.place, injection.step.occurrence + injection.times};
}

}  // namespace

Explorer::Explorer(const SweepBody& body, const SweepOptions& options)
    : options_(options),
      jobs_(body, options),
      ledger_(options, body.tells_success()),
      began_(Clock::real()->now()),
      shows_progress_(::isatty(STDERR_FILENO) != 0),
      next_progress_(began_ + 1s) {}

SweepResult Explorer::explore() {
  if (options_.context.done()) {
    const Result<void> why = options_.context.check("sweep", "SweepOptions::context");
    result_.problems.push_back(to_string(why.error()));
  } else if (run_without_faults()) {
    for (fill(); !tasks_.empty(); fill()) {
      const bool is_spent = spent();
      if (!is_spent) begin_ahead();
      const Task task = std::move(tasks_.front());
      tasks_.pop_front();
      if (is_spent) {
        ++result_.left_out;
      } else {
        carry_out(task);
      }
    }
  }
  if (shows_progress_ && next_progress_ > began_ + 1s) std::fputs("\r\x1b[K", stderr);
  tell_what_was_not_tried();
  tell_limits();
  result_.groups = ledger_.take_groups();
  result_.time = Clock::real()->now() - began_;
  return std::move(result_);
}

void Explorer::tell_what_was_not_tried() {
  if (!jobs_.other_threads().empty()) {
    std::string names;
    for (const std::string& name : jobs_.other_threads())
      names += (names.empty() ? "" : ", ") + leash::detail::escape(name);
    result_.problems.push_back("runs cannot be isolated, since the process has other threads: " + names);
  }
  std::string names;
  bool knows_all = true;
  for (std::size_t index = 0; index < jobs_.places().size(); ++index) {
    const Place& place = jobs_.places()[index];
    if (options_.faults.knows(place.operation)) continue;
    knows_all = false;
    const std::string name = leash::detail::escape(place.operation);
    if (place.own && !names.contains(name)) names += (names.empty() ? "" : ", ") + name;
  }
  if (names.empty()) {
    const bool could_try = result_.problems.empty() && !knows_all;
    if (could_try && result_.points == 0) result_.problems.emplace_back("no fault fits what the body does");
    return;
  }
  const std::string what =
      "nothing fits these operations, so that they never failed: " + names + "; see FittingFaults::set";
  (result_.points == 0 ? result_.problems : result_.remarks).push_back(what);
}

void Explorer::tell_limits() {
  if (missed_ != 0) {
    result_.remarks.push_back("the order of operations is not repeatable: in " + std::to_string(missed_) +
                              " runs the operation that was to fail did not come");
  }
  if (result_.left_out != 0 && options_.context.done()) {
    result_.remarks.emplace_back("SweepOptions::context was done before the sweep was");
  } else if (result_.left_out != 0 && jobs_.other_threads().empty()) {
    result_.remarks.emplace_back("the budget is spent: SweepOptions::max_runs and max_time");
  }
  if (const std::string remark = jobs_.remark(); !remark.empty()) result_.remarks.push_back(remark);
  if constexpr (!tracking_enabled) {
    result_.remarks.emplace_back("built with LEASH_TRACKING=OFF: no run was checked for open handles");
  }
}

bool Explorer::run_without_faults() {
  const std::optional<Run> first = run_to_compare();
  if (!first) return false;
  if (first->error) result_.problems.push_back("the body fails without any fault: " + to_string(*first->error));
  if (first->visits.empty() && !first->death && !first->hung) {
    result_.problems.emplace_back(
        "the body does nothing under its Context that could fail: it has to pass that Context on, to a fs::FaultFS, a "
        "net::FaultDialer or a net::FaultBinder");
  }
  if (first->visits.size() == SweepPlan::most_steps) {
    result_.problems.push_back("the body does more than " + std::to_string(SweepPlan::most_steps) + " operations");
  }
  if (first->error || first->thrown || first->visits.empty() || !result_.problems.empty()) return false;
  const std::optional<Run> second = run_to_compare();
  if (!second) return false;
  learn(*first, *second);
  return true;
}

std::optional<Run> Explorer::run_to_compare() {
  const Script script;
  std::optional<Run> run = jobs_.finish(script, jobs_.begin(script).get());
  if (!run) return run;
  ++result_.runs;
  ledger_.judge(*run);
  return run;
}

/// Takes from two runs without faults what there is to try, and what differs from run to run.
void Explorer::learn(const Run& first, const Run& second) {
  const std::vector<Visit> a = sorted(first.visits);
  const std::vector<Visit> b = sorted(second.visits);
  if (!std::ranges::equal(a, b, same_step)) {
    result_.remarks.push_back("the body is not repeatable: two runs without faults did different operations (" +
                              std::to_string(a.size()) + " and " + std::to_string(b.size()) +
                              "), so that some may be missed");
  }
  for (std::size_t at = 0; at < std::min(a.size(), b.size()); ++at) {
    if (same_step(a[at], b[at]) && a[at].subject != b[at].subject) varying_.insert(a[at].step.place);
  }
  for (const Visit& visit : first.visits) {
    if (is_new(visit)) pending_.push_back({{}, visit.step});
  }
}

void Explorer::fill() {
  while (tasks_.size() < jobs_.at_once()) {
    if (!pending_.empty()) {
      add_tasks(std::exchange(pending_.front(), {}));
      pending_.pop_front();
    } else if (!pairs_.empty()) {
      add_pair(std::exchange(pairs_.front(), {}));
      pairs_.pop_front();
    } else {
      return;
    }
  }
}

void Explorer::add_tasks(const Pending& pending) {
  const std::vector<Fault>& faults = faults_at(pending.step);
  if (faults.empty()) return;
  ++result_.points;
  if (!pending.prefix.empty()) ++result_.points_after_faults;
  const Place& place = jobs_.places()[pending.step.place];
  result_.coverage.push_back({.operation = place.operation,
                              .place = place.location,
                              .occurrence = pending.step.occurrence,
                              .after_fault = !pending.prefix.empty()});
  for (const Fault& fault : faults) {
    Task task{.kind = Task::Kind::point, .script = pending.prefix, .point = result_.coverage.size() - 1};
    task.script.push_back({pending.step, 1, fault});
    tasks_.push_back(std::move(task));
  }
}

void Explorer::add_pair(const Pair& pair) {
  const std::vector<Fault>& faults = faults_at(pair.second);
  const auto plain = std::ranges::find_if(faults, &Fault::reports_failure);
  const Fault& fault = plain == faults.end() ? faults.front() : *plain;
  tasks_.push_back({.kind = Task::Kind::pair, .script = {pair.first, {pair.second, 1, fault}}});
}

void Explorer::begin_ahead() {
  const std::uint64_t within_budget = options_.max_runs - result_.runs;
  const std::size_t count = std::min({tasks_.size(), jobs_.at_once(), static_cast<std::size_t>(within_budget)});
  for (std::size_t at = 0; at < count; ++at) {
    Task& task = tasks_[at];
    if (task.begun) continue;
    // What those before it find may prune it.
    const auto same_second = [&](const Task& other) {
      return other.kind == Task::Kind::pair && other.script.back().step == task.script.back().step;
    };
    const auto before = std::count_if(tasks_.begin(), tasks_.begin() + static_cast<std::ptrdiff_t>(at), same_second);
    if (is_pruned(task, static_cast<std::size_t>(before))) continue;
    try {
      task.job = jobs_.begin(task.script);
    } catch (const std::system_error&) {
      // Want of descriptors or processes: later, when those that are under way have ended.
      if (at == 0) throw;
      return;
    }
    task.begun = true;
  }
}

bool Explorer::is_pruned(const Task& task, std::size_t more_repeats) {
  return task.kind == Task::Kind::pair &&
         repeats_of_second_[step_number(task.script.back().step)] + more_repeats >= enough_repeats;
}

void Explorer::carry_out(const Task& task) {
  if (is_pruned(task)) {
    ++result_.pruned;
    return;
  }
  const std::optional<Run> run = jobs_.finish(task.script, task.job.get());
  if (!run) {
    ++result_.left_out;
    return;
  }
  ++result_.runs;
  if (task.kind == Task::Kind::point) ++result_.coverage[task.point].tried;
  if (run->struck.size() < task.script.size()) ++missed_;
  const Judgement judgement = ledger_.judge(*run);
  follow(task.script, *run);
  go_on(task, *run, judgement);
  show_progress();
}

/// What a run leads to.
void Explorer::go_on(const Task& task, const Run& run, Judgement judgement) {
  const Injection& last = task.script.back();
  switch (task.kind) {
    case Task::Kind::point:
      if (run.struck.size() < task.script.size() || !last.fault.reports_failure()) return;
      if (!judgement.failed && task.script.size() == 1) note_pairs(task.script, run);
      if (comes_to(run, step_after(last))) add_in_row(task.script, 2);
      return;
    case Task::Kind::in_row:
      if (comes_to(run, step_after(last))) add_in_row(task.script, last.times + 1);
      return;
    case Task::Kind::pair:
      if (judgement.failed && !judgement.is_new) ++repeats_of_second_[step_number(last.step)];
      return;
  }
}

/// Next of all, so that runs of one place are together.
void Explorer::add_in_row(const Script& script, std::uint32_t times) {
  if (times > options_.in_a_row) return;
  Task task{.kind = Task::Kind::in_row, .script = script};
  task.script.back().times = times;
  tasks_.push_front(std::move(task));
}

void Explorer::note_pairs(const Script& script, const Run& run) {
  if (options_.faults_per_run < 2) return;
  for (std::size_t at = run.struck.back().at; at < run.visits.size(); ++at) {
    const Step second = run.visits[at].step;
    if (faults_at(second).empty()) continue;
    if (pairs_.size() < options_.max_runs) {
      pairs_.push_back({script.front(), second});
    } else {
      ++result_.left_out;
    }
  }
}

void Explorer::follow(const Script& script, const Run& run) {
  if (run.struck.size() < script.size()) return;
  // What is tried again fails in a row instead.
  const Injection& last = run.struck.back().injection;
  for (std::size_t at = run.struck.back().at; at < run.visits.size(); ++at) {
    const Visit& visit = run.visits[at];
    if (!is_new(visit)) continue;
    if (visit.step == step_after(last) && last.fault.reports_failure()) continue;
    if (script.size() <= longest_prefix) pending_.push_back({script, visit.step});
  }
}

/// Whether nothing was come to there yet, or that with another path or address only, as by one helper for many files.
bool Explorer::is_new(const Visit& visit) {
  const auto [found, is_first] = known_.try_emplace(step_number(visit.step), Known{.subject = visit.subject});
  Known& known = found->second;
  if (!is_first && known.subject == visit.subject) return false;
  const bool new_subject = known_subjects_.insert(std::uint64_t{visit.step.place} << 32U | visit.subject).second;
  if (is_first) return true;
  return new_subject && !varying_.contains(visit.step.place) && ++known.times_new <= most_subjects;
}

bool Explorer::spent() {
  return !jobs_.other_threads().empty() || result_.runs >= options_.max_runs || options_.context.done() ||
         Clock::real()->coarse_now() - began_ >= options_.max_time;
}

void Explorer::show_progress() {
  if (!shows_progress_) return;
  const Clock::time_point now = Clock::real()->coarse_now();
  if (now < next_progress_) return;
  next_progress_ = now + 200ms;
  std::fprintf(stderr, "\rleash: sweep: %llu runs, %zu points and %zu pairs to go\x1b[K",
               static_cast<unsigned long long>(result_.runs), pending_.size(), pairs_.size());
  std::fflush(stderr);
}

}  // namespace LEASH_NAMESPACE::fault::detail
