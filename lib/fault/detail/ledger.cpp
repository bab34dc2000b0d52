#include <algorithm>
#include <leash/detail/escape.hpp>
#include <leash/fault/detail/errno_name.hpp>
#include <leash/fault/detail/ledger.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::fault::detail {
namespace {

track::Site last_struck_at(const Run& run) {
  return run.struck.empty() ? track::Site() : track::Site(run.struck.back().site);
}

/// Whether an operation that had failed was tried again, and has failed in the same way.
bool is_again(const Struck& before, const Struck& after) {
  return before.injection.fault == after.injection.fault && before.subject == after.subject &&
         before.injection.step.place == after.injection.step.place &&
         before.injection.step.occurrence + 1 == after.injection.step.occurrence;
}

/// The operation that failed last; of one that was tried again and failed again, the first time.
Step first_in_a_row(const std::vector<Struck>& struck) {
  std::size_t first = struck.size() - 1;
  while (first > 0 && is_again(struck[first - 1], struck[first])) --first;
  return struck[first].injection.step;
}

bool same_group(const SweepGroup& a, const SweepGroup& b) {
  if (a.trouble != b.trouble || a.what != b.what || a.place != b.place || a.severity != b.severity) return false;
  if (!a.finding || !b.finding) return a.finding.has_value() == b.finding.has_value();
  return a.finding->rule == b.finding->rule && a.finding->kind == b.finding->kind &&
         a.finding->closed.site == b.finding->closed.site;
}

SweepExample example_of(const Run& run) { return {.faults = describe(run.struck), .token = token_of(run.struck)}; }

}  // namespace

std::string describe(const std::vector<Struck>& struck) {
  std::string text;
  for (std::size_t first = 0; first < struck.size();) {
    const Struck& one = struck[first];
    std::size_t times = 1;
    while (first + times < struck.size() && is_again(struck[first + times - 1], struck[first + times])) ++times;
    first += times;
    std::string_view verb = one.place->operation;
    if (const std::size_t colons = verb.rfind("::"); colons != std::string_view::npos) verb.remove_prefix(colons + 2);
    if (!text.empty()) text += ", then ";
    text += '`' + std::string(verb);
    if (!one.subject.empty()) text += ' ' + leash::detail::escape(one.subject, 120);
    text += "` at " + leash::detail::escape(one.site.file_name()) + ':' + std::to_string(one.site.line()) + ' ';
    text += to_string(one.injection.fault);
    if (one.failed && one.injection.fault.effect == Effect::shorten) {
      text += " and fails with ";
      text += errno_name(one.injection.fault.code);
    }
    if (times > 1) text += ", " + std::to_string(times) + " times";
  }
  return text;
}

Judgement Ledger::judge(const Run& run) {
  Judgement judgement;
  if (!run.report.groups.empty()) judge_findings(run, judgement);
  if (run.thrown) {
    add({.trouble = Trouble::threw, .what = *run.thrown, .place = last_struck_at(run)}, run, judgement);
  }
  if (run.death) add({.trouble = Trouble::died, .what = *run.death, .place = last_struck_at(run)}, run, judgement);
  if (!run.sanitizer_report.empty()) {
    add({.trouble = Trouble::reported, .what = run.sanitizer_report, .place = last_struck_at(run)}, run, judgement);
  }
  if (run.hung) add({.trouble = Trouble::hung, .place = last_struck_at(run)}, run, judgement);
  for (const SweepPlan::Broken& broken : run.broken) {
    add({.trouble = Trouble::broken, .what = broken.what, .place = broken.site}, run, judgement);
  }
  if (run.succeeded && tells_success_ && run.struck.size() == 1 && options_.swallowed != track::Severity::off &&
      run.struck.front().failed) {
    add({.trouble = Trouble::swallowed, .severity = options_.swallowed, .place = last_struck_at(run)}, run, judgement);
  }
  return judgement;
}

void Ledger::judge_findings(const Run& run, Judgement& judgement) {
  for (const track::Group& finding : run.report.groups) {
    track::Severity severity = finding.severity;
    // What a failed close would have told is not lost: a fault has told it.
    if (finding.rule == track::Rule::dropped && !run.struck.empty())
      severity = std::max(severity, track::Severity::note);
    add({.trouble = Trouble::finding, .severity = severity, .place = finding.opened.site, .finding = finding}, run,
        judgement);
  }
}

void Ledger::add(SweepGroup group, const Run& run, Judgement& judgement) {
  const bool is_failure = group.severity == track::Severity::failure;
  judgement.failed = judgement.failed || is_failure;
  auto entry = std::ranges::find_if(entries_, [&](const Entry& each) { return same_group(each.group, group); });
  if (entry == entries_.end()) {
    entries_.push_back(
        {.group = std::move(group), .operations = {}, .fewest_faults = run.struck.size(), .number = entries_.size()});
    entry = std::prev(entries_.end());
    judgement.is_new = judgement.is_new || is_failure;
  }
  SweepGroup& into = entry->group;
  ++into.runs;
  if (run.struck.empty()) {
    into.without_fault = true;
    return;
  }
  const Step step = first_in_a_row(run.struck);
  const bool other_operation = entry->operations.insert(std::uint64_t{step.place} << 32U | step.occurrence).second;
  if (run.struck.size() < entry->fewest_faults) {
    entry->fewest_faults = run.struck.size();
    into.examples.insert(into.examples.begin(), example_of(run));
    into.examples.resize(std::min(into.examples.size(), SweepGroup::max_examples));
  } else if (other_operation && into.examples.size() < SweepGroup::max_examples) {
    into.examples.push_back(example_of(run));
  }
}

std::vector<SweepGroup> Ledger::take_groups() {
  for (Entry& entry : entries_) entry.group.operations = entry.operations.size();
  // Equal ones stay in the order in which they were found.
  std::ranges::sort(entries_, [](const Entry& a, const Entry& b) {
    if (a.group.severity != b.group.severity) return a.group.severity < b.group.severity;
    if (a.group.operations != b.group.operations) return a.group.operations > b.group.operations;
    return a.number < b.number;
  });
  std::vector<SweepGroup> groups;
  groups.reserve(entries_.size());
  for (Entry& entry : entries_) groups.push_back(std::move(entry.group));
  entries_.clear();
  return groups;
}

}  // namespace LEASH_NAMESPACE::fault::detail
