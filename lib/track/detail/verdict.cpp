#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <leash/clock.hpp>
#include <leash/detail/deadline_after.hpp>
#include <leash/os/happens_before.hpp>
#include <leash/track/detail/tracker_state.hpp>
#include <leash/track/report/apply_suppressions.hpp>
#include <leash/track/report/text.hpp>
#include <leash/track/report/untracked.hpp>
#include <leash/track/stack.hpp>
#include <leash/track/store/moment.hpp>
#include <leash/track/store/this_thread.hpp>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {
namespace {

using leash::detail::deadline_after;

/// Whether there is a finding in it that a child is open, or was closed, after its parent.
bool is_orphan(const Record& record, std::uint32_t state) noexcept {
  if ((state & (Record::child | Record::told)) != Record::child) return false;
  return (state & Record::orphaned) != 0 || ((state & Record::open) != 0 && record.family_as_child()->parent_closed);
}

/// Open, and not from before what is judged began.
bool is_awaited(std::uint32_t state) noexcept { return (state & (Record::open | Record::baseline)) == Record::open; }

/// Whether static variables that were there at the last verdict with findings are being destroyed.
constinit std::atomic<bool> exiting{false};

/// After each such verdict, since what is registered last runs first: before the destructors of all static variables
/// that are there by then, and so may hold what was reported.
void watch_for_exit() noexcept {
  static_cast<void>(std::atexit([] { exiting.store(true, std::memory_order_relaxed); }));
}

constexpr auto unmarked = [](std::uint32_t) { return 0U; };

}  // namespace

[[gnu::noinline]] void TrackerState::tell_marked(Record& record, std::uint32_t state) noexcept {
  if (is_orphan(record, state) && (record.state.fetch_or(Record::told) & Record::told) == 0) {
    find(outlived(record), record);
  }
  // What static variables hold ends with them: nobody could have closed it later, and who would listen may be gone.
  if ((state & Record::reported) != 0 && !exiting.load(std::memory_order_relaxed)) {
    find({Rule::closed_late, options_.rules.closed_late, closed_at(record), {}, record.used_us()}, record);
  }
}

template <class Mark, class Function>
void TrackerState::each_pinned(Mark mark, Function function) {
  struct Pin {
    TrackerState& tracker;
    Record& record;
    ~Pin() {
      os::happens_before(&record);
      if ((record.state.fetch_and(~Record::pinned, std::memory_order_acq_rel) & Record::ended) != 0) {
        tracker.put_back(record);
      }
    }
  };
  const std::lock_guard reader(reading_);
  shards_.each([&](Shard& shard) {
    shard.each([&](Record& record) {
      std::uint32_t state = record.state.load(std::memory_order_relaxed);
      do {
        const bool tells = (state & (Record::orphaned | Record::told)) == Record::orphaned;
        if ((state & Record::open) == 0 && !tells) return;
      } while (!record.state.compare_exchange_weak(state, state | Record::pinned | mark(state),
                                                   std::memory_order_acq_rel, std::memory_order_relaxed));
      const Pin pin{*this, record};
      os::happens_after(&record);
      function(record, state);
    });
  });
}

void TrackerState::find(Rule rule, Severity most, const Record& record, Place closed, Place again) noexcept {
  find({rule, std::max(options_.rules.of(rule), most), closed, again, now_us()}, record);
}

void TrackerState::find(const Finding& finding, const Record& record) noexcept {
  if (finding.severity == Severity::off) return;
  try {
    {
      const std::lock_guard lock(rare_paths);
      if (!judged_) {
        findings_.add(finding, record);
        return;
      }
    }
    Findings late;
    late.add(finding, record);
    tell_late(late);
  } catch (...) {  // NOLINT(bugprone-empty-catch)
    // There is no memory for it, and nobody here to tell.
  }
}

Finding TrackerState::outlived(const Record& record) const noexcept {
  const Family& family = *record.family_as_child();
  return {
      Rule::outlived_parent, options_.rules.outlived_parent, Place::from_bits(family.closed_at), {}, family.closed_us};
}

void TrackerState::refuse(const Resource& resource, std::source_location location, const Notes& notes) noexcept {
  const Severity severity = options_.rules.opened_after_end;
  if (severity == Severity::off) return;
  try {
    Instance instance{.name = std::string(resource.name), .descriptor = resource.descriptor, .notes = notes.list()};
    instance.thread = known_thread().number;
    Report report = new_report();
    report.groups.push_back(
        {.rule = Rule::opened_after_end,
         .severity = severity,
         .kind = resource.kind,
         .opened = {location, level() == Level::stack ? capture_stack(depth_, 1, options_.unwinder) : Stack()},
         .count = 1,
         .threads = {instance.thread},
         .instances = {std::move(instance)}});
    tell_late(std::move(report));
  } catch (...) {  // NOLINT(bugprone-empty-catch)
    // As above.
  }
}

void TrackerState::tell_late(const Findings& findings) {
  Report report = new_report();
  report.groups = findings.groups();
  tell_late(std::move(report));
}

void TrackerState::tell_late(Report report) {
  report.verdict = true;
  apply_suppressions(report, options_.suppressions);
  if (report.groups.empty()) return;
  report.suppressions.clear();
  if (options_.on_late) {
    options_.on_late(report);
  } else if (!told_late_.exchange(true)) {
    const std::string text =
        "leash: after the tracker's verdict:\n" + track::text(explain(report), TextOptions::of_descriptor(2)) + "\n";
    std::fwrite(text.data(), 1, text.size(), stderr);
  }
}

std::size_t TrackerState::count_awaited() const noexcept {
  std::size_t count = 0;
  shards_.each([&](Shard& shard) {
    shard.each([&](const Record& record) { count += is_awaited(record.state.load()) ? 1U : 0U; });
  });
  return count;
}

void TrackerState::wait_until_closed(Clock::duration settle) {
  std::atomic<bool> over{false};
  const Registration timer = options_.clock->at(deadline_after(options_.clock->now(), settle), [this, &over] {
    over.store(true);
    wake_.notify_all();
  });
  settling_.fetch_add(1);
  while (!closed()) {
    const std::uint64_t closes = closes_while_settling_.load();
    const std::size_t open = count_awaited();
    if (open == 0) break;
    wake_.wait([&] { return over.load() || closed() || closes_while_settling_.load() - closes >= open; });
    if (over.load()) break;
  }
  settling_.fetch_sub(1);
}

Report TrackerState::verdict(Clock::duration settle) {
  if (settle > Clock::duration::zero() && !closed()) wait_until_closed(settle);
  Report report;
  {
    const std::lock_guard judge_once(judging_);
    if (verdict_) return *verdict_;
    if (!unsuppressed_) {
      unsuppressed_ = std::make_unique<const Report>(judge());
      const std::lock_guard lock(rare_paths);
      findings_ = Findings();
    }
    report = *unsuppressed_;
  }
  // Looks names up, which takes long, and so without the mutex: several threads may do it, and come to the same.
  apply_suppressions(report, options_.suppressions);
  const std::lock_guard judge_once(judging_);
  if (!verdict_) {
    verdict_ = std::make_unique<const Report>(std::move(report));
    unsuppressed_ = nullptr;
  }
  return *verdict_;
}

Report TrackerState::judge() {
  // Whoever is making a record has made it then, or sees that the tracker is closed.
  closed_.store(true);
  wake_.notify_all();
  shards_.wait_for_turns(this_thread().index);
  Findings findings;
  {
    const std::lock_guard lock(rare_paths);
    // A copy: a child that is forked by another thread now judges anew.
    findings = findings_;
    judged_ = true;
  }
  const Finding leaked{Rule::leaked, options_.rules.leaked, {}, {}, us_at(options_.clock->now())};
  const auto add = [&](const Finding& finding, const Record& record) {
    if (finding.severity != Severity::off) findings.add(finding, record);
  };
  std::uint64_t open = 0;
  const auto mark = [](std::uint32_t state) { return is_awaited(state) ? std::uint32_t{Record::reported} : 0U; };
  const auto visit = [&](Record& record, std::uint32_t state) {
    if (is_orphan(record, state) && (record.state.fetch_or(Record::told) & Record::told) == 0) {
      add(outlived(record), record);
    }
    if ((state & Record::open) == 0) return;
    ++open;
    if ((state & Record::baseline) == 0) add(leaked, record);
  };
  each_pinned(mark, visit);
  Report report = report_on(findings);
  report.closed = report.opened - open;
  report.verdict = true;
  if (descriptors_at_start_) add_untracked(report);
  if (!report.groups.empty()) watch_for_exit();
  return report;
}

Report TrackerState::snapshot() {
  Findings findings;
  {
    const std::lock_guard lock(rare_paths);
    findings = findings_;
  }
  const Finding open_now{Rule::leaked, Severity::note, {}, {}, us_at(options_.clock->now())};
  std::uint64_t open = 0;
  const auto visit = [&](const Record& record, std::uint32_t state) {
    if (is_orphan(record, state) && options_.rules.outlived_parent != Severity::off) {
      findings.add(outlived(record), record);
    }
    if ((state & Record::open) == 0) return;
    ++open;
    if ((state & Record::baseline) == 0) findings.add(open_now, record);
  };
  each_pinned(unmarked, visit);
  Report report = report_on(findings);
  report.closed = report.opened - std::min(open, report.opened);
  return report;
}

Mark TrackerState::mark() const {
  auto moment = std::make_shared<Moment>();
  moment->tracker = id_;
  moment->us = now_us();
  shards_.each([&](const Shard& shard) {
    moment->opened.resize(shard.owner() + std::size_t{1});
    moment->opened[shard.owner()] = shard.opened();
  });
  return Mark(std::move(moment));
}

Report TrackerState::report_since(const Mark& mark) {
  static const Moment beginning;
  const Moment& moment = mark.moment_ ? *mark.moment_ : beginning;
  if (mark.moment_ && moment.tracker != id_) {
    throw std::logic_error("leash: Tracker::report_since: the mark is another tracker's");
  }
  const Finding leaked{Rule::leaked, options_.rules.leaked, {}, {}, us_at(options_.clock->now())};
  Findings findings;
  std::uint64_t open = 0;
  const auto visit = [&](const Record& record, std::uint32_t state) {
    if ((state & Record::open) == 0 || !moment.is_before(record)) return;
    ++open;
    if ((state & Record::baseline) == 0 && leaked.severity != Severity::off) findings.add(leaked, record);
  };
  each_pinned(unmarked, visit);
  Report report = new_report();
  report.groups = findings.groups();
  shards_.each([&](const Shard& shard) { report.opened += shard.opened() - moment.opened_by(shard.owner()); });
  report.closed = report.opened - std::min(open, report.opened);
  report.verdict = true;
  apply_suppressions(report, options_.suppressions);
  return report;
}

Report TrackerState::new_report() const {
  Report report;
  report.plumbing = options_.plumbing;
  if (options_.max_groups) report.max_groups = *options_.max_groups;
  return report;
}

Report TrackerState::report_on(const Findings& findings) const {
  Report report = new_report();
  report.groups = findings.groups();
  shards_.each([&](const Shard& shard) { report.opened += shard.opened(); });
  report.without_stack = without_stack_.load(std::memory_order_relaxed);
  return report;
}

void TrackerState::set_baseline() {
  each_pinned([](std::uint32_t) { return std::uint32_t{Record::baseline}; }, [](const Record&, std::uint32_t) {});
  if (descriptors_at_start_) {
    const std::lock_guard judge(judging_);
    os::DescriptorList now = os::open_descriptors();
    // So that a child that is forked meanwhile has one or the other.
    const std::lock_guard lock(rare_paths);
    *descriptors_at_start_ = std::move(now);
  }
}

void TrackerState::add_untracked(Report& report) {
  const auto tagged = [this] {
    std::vector<int> numbers;
    each_pinned(unmarked, [&](const Record& record, std::uint32_t state) {
      if ((state & Record::open) != 0) numbers.push_back(record.descriptor);
    });
    std::ranges::sort(numbers);
    return numbers;
  };
  std::ranges::move(untracked_groups(*descriptors_at_start_, tagged, options_.rules.untracked),
                    std::back_inserter(report.groups));
}

}  // namespace LEASH_NAMESPACE::track::detail
