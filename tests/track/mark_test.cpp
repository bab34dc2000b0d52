#include <doctest/doctest.h>

#include <leash/context.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "kinds.hpp"

#if LEASH_TRACKING

using leash::Context;
using leash::track::acquire;
using leash::track::Group;
using leash::track::Level;
using leash::track::Mark;
using leash::track::Report;
using leash::track::Rule;
using leash::track::Severity;
using leash::track::Suppressions;
using leash::track::Tag;
using leash::track::with_tracker;
using namespace std::chrono_literals;

namespace {

std::set<std::string> names(const Report& report) {
  std::set<std::string> all;
  for (const Group& group : report.groups) {
    for (const auto& instance : group.instances) all.insert(instance.name);
  }
  return all;
}

using Names = std::set<std::string>;

}  // namespace

TEST_CASE("a report since a mark has what was opened after it and is open") {
  auto [tracker, context] = with_tracker(Context::background());
  Tag before = acquire(context, {slot, "before"});
  const Mark mark = tracker.mark();
  CHECK(tracker.report_since(mark).ok());
  Tag open = acquire(context, {slot, "open"});
  Tag closed = acquire(context, {slot, "closed"});
  closed.close();
  const Report report = tracker.report_since(mark);
  CHECK_FALSE(report.ok());
  CHECK(names(report) == Names{"open"});
  CHECK(report.groups[0].rule == Rule::leaked);
  CHECK(report.opened == 2);
  CHECK(report.closed == 1);
  CHECK(to_string(report).contains("error: 1 slot not closed [leaked]"));

  const Mark later = tracker.mark();
  Tag last = acquire(context, {slot, "last"});
  CHECK(names(tracker.report_since(later)) == Names{"last"});
  CHECK(names(tracker.report_since(mark)) == Names{"open", "last"});
  CHECK(names(tracker.report_since(Mark())) == Names{"before", "open", "last"});

  CHECK_FALSE(tracker.closed());
  open.close();
  last.close();
  CHECK(tracker.report_since(mark).ok());
  before.close();
  CHECK(tracker.close().ok());
}

TEST_CASE("what was open at the baseline is in no report since a mark") {
  auto [tracker, context] = with_tracker(Context::background());
  const Mark mark = tracker.mark();
  const Tag before = acquire(context, {slot, "before"});
  tracker.set_baseline();
  const Tag after = acquire(context, {slot, "after"});
  CHECK(names(tracker.report_since(mark)) == Names{"after"});
}

TEST_CASE("a record that is used again counts as new, at every level") {
  for (const Level level : {Level::count, Level::site, Level::stack}) {
    auto [tracker, context] = with_tracker(Context::background(), {.level = level});
    static_cast<void>(Tag(acquire(context, {slot, "", -1, leash::track::OnDrop::closed})));
    const Mark mark = tracker.mark();
    CHECK(tracker.report_since(mark).ok());
    const Tag again = acquire(context, {slot, ""});
    CHECK(tracker.report_since(mark).groups.size() == 1);
    CHECK(tracker.report_since(tracker.mark()).ok());
  }
}

TEST_CASE("a mark holds for all threads, those that come later too") {
  auto [tracker, context] = with_tracker(Context::background());
  std::vector<Tag> tags(6);
  const auto open_in_thread = [&](std::size_t index, const char* name) {
    std::thread([&] { tags[index] = acquire(context, {slot, name}); }).join();
  };
  open_in_thread(0, "a");
  tags[1] = acquire(context, {slot, "b"});
  const Mark mark = tracker.mark();
  open_in_thread(2, "c");
  tags[3] = acquire(context, {slot, "d"});
  std::thread first([&] { tags[4] = acquire(context, {slot, "e"}); });
  std::thread second([&] { tags[5] = acquire(context, {slot, "f"}); });
  first.join();
  second.join();
  CHECK(names(tracker.report_since(mark)) == Names{"c", "d", "e", "f"});
}

TEST_CASE("listeners may mark and report at once while other threads open and close") {
  auto [tracker, context] = with_tracker(Context::background());
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        const Mark mark = tracker.mark();
        const Tag tag = acquire(context, {slot, "own", round, leash::track::OnDrop::closed});
        const Report report = tracker.report_since(mark);
        if (report.groups.empty() || report.groups[0].count > 4) FAIL_CHECK("its own, and at most those of the others");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(tracker.report_since(Mark()).ok());
}

TEST_CASE("the rule's weight and suppressions apply to a report since a mark") {
  const auto known = Suppressions::parse("leaked slot *").value();
  auto [lenient, context] = with_tracker(Context::background(), {.suppressions = known});
  const Tag tag = acquire(context, {slot, "a"});
  CHECK(lenient.report_since(Mark()).groups.empty());
  CHECK(lenient.report_since(Mark()).suppressions.at(0).resources == 1);
  auto [off, off_context] = with_tracker(Context::background(), {.rules = {.leaked = Severity::off}});
  const Tag other = acquire(off_context, {slot, "a"});
  CHECK(off.report_since(Mark()).groups.empty());
}

TEST_CASE("a mark of another tracker is refused") {
  auto [tracker, context] = with_tracker(Context::background());
  auto [other, other_context] = with_tracker(Context::background());
  CHECK_THROWS_AS(static_cast<void>(tracker.report_since(other.mark())), std::logic_error);
}

TEST_CASE("what a mark divides stays divided however long ago it was") {
  const auto clock = std::make_shared<leash::FakeClock>();
  auto [tracker, context] = with_tracker(Context::background().with_clock(clock));
  clock->advance(1h);
  const Tag before = acquire(context, {slot, "before"});
  clock->advance(24h * 365);
  const Mark mark = tracker.mark();
  clock->advance(24h * 365);
  const Tag after = acquire(context, {slot, "after"});
  CHECK(names(tracker.report_since(mark)) == Names{"after"});
}

#endif
