#include <doctest/doctest.h>

#include <atomic>
#include <leash/track/tracker.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "kinds.hpp"

using leash::Context;
using leash::track::acquire;
using leash::track::Report;
using leash::track::Tag;
using leash::track::Tracker;
using leash::track::tracker_from;
using leash::track::try_acquire;
using leash::track::with_tracker;
using namespace std::chrono_literals;

TEST_CASE("a Context carries its tracker to its descendants, and the nearest one counts") {
  CHECK_FALSE(tracker_from(Context::background()));
  const auto [outer, context] = with_tracker(Context::background());
  CHECK(tracker_from(context.with_note("deeper").with_cancel().context) == outer);
  const auto [inner, inner_context] = with_tracker(context);
  CHECK(tracker_from(inner_context) == inner);
  CHECK_FALSE(inner == outer);
  CHECK(tracker_from(with_tracker(inner_context, outer)) == outer);
}

TEST_CASE("copies of a tracker are the same tracker") {
  auto [tracker, context] = with_tracker(Context::background());
  Tracker copy = tracker;
  CHECK(copy.close().ok());
  CHECK(tracker.closed());
}

#if LEASH_TRACKING

TEST_CASE("the verdict is given once, and stays") {
  auto [tracker, context] = with_tracker(Context::background());
  Tag tag = acquire(context, {slot, "kept"});
  CHECK_FALSE(tracker.snapshot().verdict);
  const Report first = tracker.close();
  CHECK(first.verdict);
  CHECK_FALSE(first.ok());
  tag.close();
  const Report second = tracker.close();
  CHECK(second.groups.size() == 1);
  CHECK(to_string(second).contains("1 slot not closed"));
}

TEST_CASE("after the verdict nothing can be opened, and who tries is told where") {
  auto [tracker, context] = with_tracker(Context::background());
  CHECK(tracker.close().ok());
  CHECK_THROWS_AS((void)acquire(context, {slot, "late"}), std::logic_error);
  CHECK_THROWS_AS((void)tracker.create({slot, "late"}), std::logic_error);
  const unsigned line = __LINE__ + 1;
  const auto late = try_acquire(context, {slot, "late"});
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error() == leash::track::errc::tracker_closed);
  CHECK(late.error().subject() == "late");
  CHECK(to_string(late.error()) ==
        "acquire late: Tracker closed (at tests/track/tracker_test.cpp:" + std::to_string(line) + ")");
  CHECK(tracker.open_count() == 0);
  CHECK(tracker.close().opened == 0);
}

TEST_CASE("a snapshot shows what is open and judges nothing") {
  auto [tracker, context] = with_tracker(Context::background());
  Tag tag = acquire(context, {slot, "busy", 7});
  const Report report = tracker.snapshot();
  CHECK(report.ok());
  REQUIRE(report.groups.size() == 1);
  CHECK(report.groups[0].instances[0].descriptor == 7);
  CHECK_FALSE(tracker.closed());
  tag.close();
  CHECK(tracker.snapshot().groups.empty());
}

TEST_CASE("ages and last uses go by the Context's clock") {
  const auto clock = std::make_shared<leash::FakeClock>();
  auto [tracker, context] = with_tracker(Context::background().with_clock(clock));
  Tag first = acquire(context, {slot, "a"});
  clock->advance(10s);
  Tag second = acquire(context, {box, "b"});
  clock->advance(5s);
  first.touch();
  const unsigned line = __LINE__ - 1;
  clock->advance(1s);
  const Report report = tracker.close();
  REQUIRE(report.groups.size() == 2);
  CHECK(report.groups[0].min_age == 16s);
  CHECK(report.groups[1].max_age == 6s);
  REQUIRE(report.groups[0].instances[0].last_use);
  CHECK(report.groups[0].instances[0].last_use->at.site.line() == line);
  CHECK(report.groups[0].instances[0].last_use->ago == 1s);
  CHECK_FALSE(report.groups[1].instances[0].last_use);
}

TEST_CASE("a hundred thousand tags from many threads are counted exactly") {
  auto [tracker, context] = with_tracker(Context::background(), {.depth = 4});
  constexpr int threads_count = 4;
  constexpr int each = 25000;
  std::vector<std::vector<Tag>> kept(threads_count);
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < threads_count; ++thread) {
      threads.emplace_back([&, thread] {
        for (int index = 0; index < each; ++index) {
          Tag tag = acquire(context, {slot, "tag"});
          if (index % 100 == 0) {
            kept[static_cast<std::size_t>(thread)].push_back(std::move(tag));
          } else {
            tag.close();
          }
        }
      });
    }
    threads.emplace_back([&] {
      for (int index = 0; index < 20; ++index) CHECK(tracker.snapshot().ok());
    });
  }
  const Report report = tracker.close();
  CHECK(report.opened == threads_count * each);
  CHECK(report.opened - report.closed == threads_count * each / 100);
  std::size_t found = 0;
  for (const auto& group : report.groups) found += group.count;
  CHECK(found == threads_count * each / 100);
}

TEST_CASE("closing a tracker while threads open and close loses nothing and crashes nothing") {
  for (int round = 0; round < 20; ++round) {
    auto [tracker, context] = with_tracker(Context::background(), {.depth = 4});
    std::atomic<std::size_t> opened = 0;
    {
      std::vector<std::jthread> threads;
      for (int thread = 0; thread < 3; ++thread) {
        threads.emplace_back([&] {
          for (;;) {
            auto tag = try_acquire(context, {slot, "tag"});
            if (!tag) return;
            ++opened;
            tag->close();
          }
        });
      }
      threads.emplace_back([&] { (void)tracker.close(); });
    }
    const Report report = tracker.close();
    CHECK(report.opened == opened);
    CHECK(tracker.open_count() == 0);
  }
}

TEST_CASE("trackers know nothing of each other") {
  auto [first, first_context] = with_tracker(Context::background());
  auto [second, second_context] = with_tracker(Context::background());
  Tag tag = acquire(first_context, {slot, "first's"});
  CHECK(second.close().ok());
  CHECK_FALSE(first.close().ok());
}

#endif
