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

/// Whether the record is a child that is open, or was closed, after its parent was closed, and has no finding for that.
bool is_orphan(const Record& record, std::uint32_t state) noexcept {
  if ((state & (Record::child | Record::orphan_handled)) != Record::child) return false;
  return (state & Record::orphaned) != 0 || ((state & Record::open) != 0 && record.family_as_child()->parent_closed);
}

/// Whether a record with this state is open and was not so at `set_baseline`.
bool is_open_since_baseline(std::uint32_t state) noexcept {
  return (state & (Record::open | Record::baseline)) == Record::open;
}

/// Set when the program exits, before the static variables that existed at the last verdict with findings are
/// destroyed.
constinit std::atomic<bool> exiting{false};

/// Called after each verdict with findings. What is registered with `atexit` last runs first, so this handler runs
/// before the destructors of all static variables that exist now, any of which may hold a resource that was just
/// reported.
void watch_for_exit() noexcept {
  static_cast<void>(std::atexit([] { exiting.store(true, std::memory_order_relaxed); }));
}

constexpr auto no_added_bits = [](std::uint32_t) { return 0U; };

}  // namespace

[[gnu::noinline]] void TrackerState::record_marked_findings(Record& record, std::uint32_t state) noexcept {
  if (is_orphan(record, state) && (record.state.fetch_or(Record::orphan_handled) & Record::orphan_handled) == 0) {
    record_finding(outlived_parent_finding(record), record);
  }
  // While static variables are being destroyed, late closes are not reported: a resource that one of them holds could
  // not be closed at another time, and what `on_late` needs may be destroyed already.
  if ((state & Record::reported) != 0 && !exiting.load(std::memory_order_relaxed)) {
    record_finding({Rule::closed_late, options_.rules.closed_late, closed_at(record), {}, record.used_us()}, record);
  }
}

template <class AddedBits, class Function>
void TrackerState::each_pinned(AddedBits added_bits, Function function) {
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
        const bool has_finding = (state & (Record::orphaned | Record::orphan_handled)) == Record::orphaned;
        if ((state & Record::open) == 0 && !has_finding) return;
      } while (!record.state.compare_exchange_weak(state, state | Record::pinned | added_bits(state),
                                                   std::memory_order_acq_rel, std::memory_order_relaxed));
      const Pin pin{*this, record};
      os::happens_after(&record);
      function(record, state);
    });
  });
}

void TrackerState::record_finding(Rule rule, Severity gravest, const Record& record, Place closed,
                                  Place again) noexcept {
  record_finding({rule, std::max(options_.rules.of(rule), gravest), closed, again, now_us()}, record);
}

void TrackerState::record_finding(const Finding& finding, const Record& record) noexcept {
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
    report_late(late);
  } catch (...) {  // NOLINT(bugprone-empty-catch)
    // No memory, or `on_late` threw: the finding is lost.
  }
}

Finding TrackerState::outlived_parent_finding(const Record& record) const noexcept {
  const Family& family = *record.family_as_child();
  return {
      Rule::outlived_parent, options_.rules.outlived_parent, Place::from_bits(family.closed_at), {}, family.closed_us};
}

void TrackerState::report_refused_open(const Resource& resource, std::source_location location,
                                       const Notes& notes) noexcept {
  const Severity severity = options_.rules.opened_after_end;
  if (severity == Severity::off) return;
  try {
    Instance instance{.name = std::string(resource.name), .descriptor = resource.descriptor, .notes = notes.list()};
    instance.thread = registered_thread().number;
    Report report = empty_report();
    report.groups.push_back(
        {.rule = Rule::opened_after_end,
         .severity = severity,
         .kind = resource.kind,
         .opened = {location, level() == Level::stack ? capture_stack(depth_, 1, options_.unwinder) : Stack()},
         .count = 1,
         .threads = {instance.thread},
         .instances = {std::move(instance)}});
    report_late(std::move(report));
  } catch (...) {  // NOLINT(bugprone-empty-catch)
    // As in `record_finding`.
  }
}

void TrackerState::report_late(const Findings& findings) {
  Report report = empty_report();
  report.groups = findings.groups();
  report_late(std::move(report));
}

void TrackerState::report_late(Report report) {
  report.verdict = true;
  apply_suppressions(report, options_.suppressions);
  if (report.groups.empty()) return;
  report.suppressions.clear();
  if (options_.on_late) {
    options_.on_late(report);
  } else if (!late_printed_.exchange(true)) {
    const std::string text =
        "leash: after the tracker's verdict:\n" + track::text(explain(report), TextOptions::of_descriptor(2)) + "\n";
    std::fwrite(text.data(), 1, text.size(), stderr);
  }
}

std::size_t TrackerState::count_open_since_baseline() const noexcept {
  std::size_t count = 0;
  shards_.each([&](Shard& shard) {
    shard.each([&](const Record& record) { count += is_open_since_baseline(record.state.load()) ? 1U : 0U; });
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
    const std::size_t open = count_open_since_baseline();
    if (open == 0) break;
    // To count is to read all records: not again before as many were closed as are open now.
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
  // Not under `judging_`: looking names up takes long. Several threads may do so at once, and come to the same result.
  apply_suppressions(report, options_.suppressions);
  const std::lock_guard judge_once(judging_);
  if (!verdict_) {
    verdict_ = std::make_unique<const Report>(std::move(report));
    unsuppressed_ = nullptr;
  }
  return *verdict_;
}

Report TrackerState::judge() {
  // After the wait below, a thread that is opening a record has either published it, or sees that the tracker is
  // closed.
  closed_.store(true);
  wake_.notify_all();
  shards_.wait_for_holders(this_thread().index);
  Findings findings;
  {
    const std::lock_guard lock(rare_paths);
    // Copied, not moved: if another thread forks before the verdict is stored, the child judges anew, and needs them.
    findings = findings_;
    judged_ = true;
  }
  const Finding leaked{Rule::leaked, options_.rules.leaked, {}, {}, us_at(options_.clock->now())};
  const auto add = [&](const Finding& finding, const Record& record) {
    if (finding.severity != Severity::off) findings.add(finding, record);
  };
  std::uint64_t open = 0;
  const auto reported_if_leaked = [](std::uint32_t state) {
    return is_open_since_baseline(state) ? std::uint32_t{Record::reported} : 0U;
  };
  const auto visit = [&](Record& record, std::uint32_t state) {
    if (is_orphan(record, state) && (record.state.fetch_or(Record::orphan_handled) & Record::orphan_handled) == 0) {
      add(outlived_parent_finding(record), record);
    }
    if ((state & Record::open) == 0) return;
    ++open;
    if ((state & Record::baseline) == 0) add(leaked, record);
  };
  each_pinned(reported_if_leaked, visit);
  Report report = report_on(findings);
  report.closed = report.opened - open;
  report.verdict = true;
  if (descriptors_at_start_) add_untracked(report);
  sort_groups(report.groups);
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
      findings.add(outlived_parent_finding(record), record);
    }
    if ((state & Record::open) == 0) return;
    ++open;
    if ((state & Record::baseline) == 0) findings.add(open_now, record);
  };
  each_pinned(no_added_bits, visit);
  Report report = report_on(findings);
  report.closed = report.opened - std::min(open, report.opened);
  return report;
}

std::optional<Clock::duration> TrackerState::oldest() {
  const std::lock_guard one_looks(looking_);
  const Clock::time_point now = options_.clock->now();
  if (!oldest_ || now - oldest_->looked_at >= std::chrono::seconds(1)) oldest_ = Oldest{now, find_oldest()};
  if (!oldest_->opened) return std::nullopt;
  return now - *oldest_->opened;
}

std::optional<Clock::time_point> TrackerState::find_oldest() {
  std::optional<std::uint64_t> first_us;
  each_pinned(no_added_bits, [&](const Record& record, std::uint32_t state) {
    if (!is_open_since_baseline(state) || record.opened_at == 0) return;
    first_us = std::min(first_us.value_or(record.opened_us()), record.opened_us());
  });
  if (!first_us) return std::nullopt;
  return began_ + std::chrono::microseconds(*first_us);
}

Mark TrackerState::mark() const {
  auto moment = std::make_shared<Moment>();
  moment->tracker_id = id_;
  moment->at_us = now_us();
  shards_.each([&](const Shard& shard) {
    moment->opened.resize(shard.owner() + std::size_t{1});
    moment->opened[shard.owner()] = shard.opened();
  });
  return Mark(std::move(moment));
}

Report TrackerState::report_since(const Mark& mark) {
  static const Moment beginning;
  const Moment& moment = mark.moment_ ? *mark.moment_ : beginning;
  if (mark.moment_ && moment.tracker_id != id_) {
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
  each_pinned(no_added_bits, visit);
  Report report = empty_report();
  report.groups = findings.groups();
  shards_.each([&](const Shard& shard) { report.opened += shard.opened() - moment.opened_by(shard.owner()); });
  report.closed = report.opened - std::min(open, report.opened);
  report.verdict = true;
  apply_suppressions(report, options_.suppressions);
  return report;
}

Report TrackerState::empty_report() const {
  Report report;
  report.plumbing = options_.plumbing;
  if (options_.max_groups) report.max_groups = *options_.max_groups;
  return report;
}

Report TrackerState::report_on(const Findings& findings) const {
  Report report = empty_report();
  report.groups = findings.groups();
  shards_.each([&](const Shard& shard) { report.opened += shard.opened(); });
  report.without_stack = without_stack_.load(std::memory_order_relaxed);
  return report;
}

void TrackerState::set_baseline() {
  each_pinned([](std::uint32_t) { return std::uint32_t{Record::baseline}; }, [](const Record&, std::uint32_t) {});
  {
    const std::lock_guard none_looks(looking_);
    oldest_.reset();
  }
  if (descriptors_at_start_) {
    const std::lock_guard judge(judging_);
    os::DescriptorList now = os::open_descriptors();
    // A process does not fork while a thread holds this mutex, so a child has the old list or the new one, never half
    // of each.
    const std::lock_guard lock(rare_paths);
    *descriptors_at_start_ = std::move(now);
  }
}

void TrackerState::add_untracked(Report& report) {
  const auto tagged = [this] {
    std::vector<int> numbers;
    each_pinned(no_added_bits, [&](const Record& record, std::uint32_t state) {
      if ((state & Record::open) != 0) numbers.push_back(record.descriptor.load(std::memory_order_relaxed));
    });
    std::ranges::sort(numbers);
    return numbers;
  };
  std::ranges::move(untracked_groups(*descriptors_at_start_, tagged, options_.rules.untracked),
                    std::back_inserter(report.groups));
}

}  // namespace LEASH_NAMESPACE::track::detail
