#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <leash/clock.hpp>
#include <leash/context.hpp>
#include <leash/track/tracker.hpp>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "child.hpp"
#include "kinds.hpp"

using leash::Context;
using leash::FakeClock;
using leash::Registration;
using leash::track::acquire;
using leash::track::Counts;
using leash::track::Kind;
using leash::track::KindCount;
using leash::track::Tag;
using leash::track::Threshold;
using leash::track::ThresholdReached;
using leash::track::Tracker;
using leash::track::with_tracker;
using Limit = ThresholdReached::Limit;

using namespace std::chrono_literals;

namespace {

constexpr Kind lock{"lock", "locks"};

KindCount count_of(const Counts& counts, const Kind& kind) {
  const auto found = std::ranges::find(counts.kinds, kind, &KindCount::kind);
  return found == counts.kinds.end() ? KindCount{} : *found;
}

Tag open_one(const Context& ctx, std::string_view name = "a", const Kind& kind = slot) {
  return acquire(ctx, {.kind = kind, .name = name, .on_drop = leash::track::OnDrop::closed});
}

std::vector<Tag> open_many(const Context& ctx, std::size_t count) {
  std::vector<Tag> tags;
  tags.reserve(count);
  while (tags.size() < count) tags.push_back(open_one(ctx));
  return tags;
}

}  // namespace

TEST_CASE("counts by kind add up what all threads have opened and closed" * doctest::skip(!leash::tracking_enabled)) {
  auto [tracker, ctx] = with_tracker(Context::background());
  CHECK(tracker.counts().kinds.empty());
  std::vector<Tag> slots = open_many(ctx, 200);
  std::vector<Tag> locks;
  std::thread([&, context = ctx] {
    for (int time = 0; time < 70; ++time) locks.push_back(open_one(context, "a name of more than fifteen bytes", lock));
    slots.resize(150);  // closed elsewhere than opened
    locks[0].close();
    locks[0].close();  // a finding, but no second close
  }).join();
  locks.pop_back();
  const Counts counts = tracker.counts();
  CHECK(count_of(counts, slot).opened == 200);
  CHECK(count_of(counts, slot).closed == 50);
  CHECK(count_of(counts, lock).opened == 70);
  CHECK(count_of(counts, lock).open() == 68);
  CHECK(counts.kinds.size() == 2);
  CHECK(counts.opened == 270);
  CHECK(counts.open() == tracker.open_count());
}

TEST_CASE("kinds that come late are counted together" * doctest::skip(!leash::tracking_enabled)) {
  // In a process of its own, since a kind keeps its place.
  const Outcome outcome = in_child([] {
    auto [tracker, context] = with_tracker(Context::background());
    std::vector<std::string> names;
    names.reserve(40);
    std::vector<Tag> tags;
    for (int number = 0; number < 40; ++number) {
      const std::string& name = names.emplace_back("kind " + std::to_string(number));
      tags.push_back(acquire(context, {{name, name}, "a"}));
      tags.push_back(acquire(context, {{name, name}, "b"}));
      tags.back().close();
    }
    const Counts counts = tracker.counts();
    if (counts.opened != 80 || counts.closed != 40) return 1;
    const KindCount& last = counts.kinds.back();
    if (last.kind != Kind{"other resource", "other resources"}) return 2;
    std::uint64_t single = 0;
    for (const KindCount& each : counts.kinds) single += each.opened == 2 && each.closed == 1 ? 1U : 0U;
    if (single + last.open() != 40 || last.opened != 2 * last.closed || counts.kinds.size() != single + 1) return 3;
    // The reports tell them apart.
    const auto report = tracker.close();
    std::set<std::string> kinds;
    for (const auto& group : report.groups) kinds.emplace(group.kind.one);
    return kinds.size() == 40 ? 0 : 4;
  });
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
}

TEST_CASE("the oldest resource is looked for once a second" * doctest::skip(!leash::tracking_enabled)) {
  const auto clock = std::make_shared<FakeClock>();
  auto [tracker, ctx] = with_tracker(Context::background().with_clock(clock));
  CHECK_FALSE(tracker.oldest());
  const Tag given = open_one(ctx, "from the beginning");
  tracker.set_baseline();
  clock->advance(2s);
  std::optional<Tag> first = open_one(ctx, "first");
  const Tag second = open_one(ctx, "second");
  CHECK(tracker.oldest() == 0s);
  clock->advance(500ms);
  CHECK(tracker.oldest() == 500ms);
  first.reset();
  clock->advance(400ms);
  const Tag third = open_one(ctx, "third");
  CHECK(tracker.oldest() == 900ms);
  clock->advance(100ms);
  CHECK(tracker.oldest() == 1s);
  tracker.set_baseline();
  CHECK_FALSE(tracker.oldest());
}

TEST_CASE("a threshold is told when it is reached, and again only after it was well below") {
  if constexpr (!leash::tracking_enabled) return;
  const auto clock = std::make_shared<FakeClock>();
  auto [tracker, ctx] = with_tracker(Context::background().with_clock(clock));
  std::vector<std::uint64_t> told;
  const Registration registration = tracker.on_threshold({.open = 10}, [&](const ThresholdReached& reached) {
    CHECK(reached.limit == Limit::open);
    told.push_back(reached.open);
  });
  std::vector<Tag> tags = open_many(ctx, 9);
  clock->advance(2s);
  CHECK(told.empty());
  tags.push_back(open_one(ctx));
  clock->advance(1s);
  CHECK(told == std::vector<std::uint64_t>{10});
  const auto change_to = [&, &context = ctx](std::size_t count) {
    tags.resize(std::min(tags.size(), count));
    while (tags.size() < count) tags.push_back(open_one(context));
    clock->advance(1s);
  };
  change_to(8);
  change_to(12);
  CHECK(told.size() == 1);
  change_to(7);
  CHECK(told.size() == 1);
  change_to(11);
  CHECK(told == std::vector<std::uint64_t>{10, 11});
}

TEST_CASE("a threshold that many open at once reach is told without a second having passed") {
  if constexpr (!leash::tracking_enabled) return;
  const auto clock = std::make_shared<FakeClock>();
  auto [tracker, ctx] = with_tracker(Context::background().with_clock(clock));
  std::uint64_t told = 0;
  std::vector<Tag> tags;
  const Registration registration = tracker.on_threshold({.open = 200}, [&](const ThresholdReached& reached) {
    told = reached.open;
    // As it may: it opens something itself.
    for (int time = 0; time < 200; ++time) tags.push_back(open_one(ctx));
  });
  const std::vector<Tag> many = open_many(ctx, 200 + 64);
  CHECK(told >= 200);
  CHECK(told < 200 + 64);
}

TEST_CASE("a callback may advance the clock that it is called by") {
  if constexpr (!leash::tracking_enabled) return;
  const auto clock = std::make_shared<FakeClock>();
  auto [tracker, ctx] = with_tracker(Context::background().with_clock(clock));
  int told = 0;
  const Registration registration = tracker.on_threshold({.open = 2, .rearm = 1}, [&](const ThresholdReached&) {
    ++told;
    clock->advance(3s);
  });
  std::vector<Tag> tags = open_many(ctx, 2);
  clock->advance(1s);
  CHECK(told == 1);
  tags.clear();
  clock->advance(1s);
  tags = open_many(ctx, 2);
  clock->advance(1s);
  CHECK(told == 2);
}

TEST_CASE("a threshold that is reached when it is set is told at once, and on the machine's clock") {
  if constexpr (!leash::tracking_enabled) return;
  auto [tracker, ctx] = with_tracker(Context::background());
  const std::vector<Tag> tags = open_many(ctx, 5);
  std::atomic<int> told{0};
  const Registration registration = tracker.on_threshold({.open = 5}, [&](const ThresholdReached&) {
    told.store(1);
    told.notify_one();
    throw std::runtime_error("ignored");
  });
  told.wait(0);
  CHECK(told.load() == 1);
}

TEST_CASE("an age is told when a resource has been open for so long") {
  if constexpr (!leash::tracking_enabled) return;
  const auto clock = std::make_shared<FakeClock>();
  auto [tracker, ctx] = with_tracker(Context::background().with_clock(clock));
  std::vector<std::chrono::nanoseconds> told;
  const Registration registration = tracker.on_threshold({.age = 10s}, [&](const ThresholdReached& reached) {
    CHECK(reached.limit == Limit::age);
    told.push_back(reached.age);
  });
  std::optional<Tag> tag = open_one(ctx);
  clock->advance(9s);
  CHECK(told.empty());
  clock->advance(2s);
  REQUIRE(told.size() == 1);
  CHECK(told[0] >= 10s);
  CHECK(told[0] < 12s);
  tag = open_one(ctx, "b");
  clock->advance(15s);
  CHECK(told.size() == 2);
}

TEST_CASE("the descriptors of the process are told, whoever has opened them") {
  const Outcome outcome = in_child([] {
    const rlimit limit{64, 64};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    const auto clock = std::make_shared<FakeClock>();
    Tracker tracker({.clock = clock});
    std::uint64_t told = 0;
    const Registration registration = tracker.on_threshold(
        {.descriptors = 0.5}, [&](const ThresholdReached& reached) { told = reached.descriptors; });
    std::vector<int> opened;
    while (opened.size() < 64 && told == 0) {
      opened.push_back(::dup(0));
      clock->advance(1s);
    }
    return told == 32 ? 0 : 2;
  });
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
}

TEST_CASE("a threshold may be given up in its own callback, and lives longer than the tracker's handles") {
  if constexpr (!leash::tracking_enabled) return;
  const auto clock = std::make_shared<FakeClock>();
  int told = 0;
  Registration registration;
  std::vector<Tag> tags;
  {
    auto [tracker, ctx] = with_tracker(Context::background().with_clock(clock));
    registration = tracker.on_threshold({.open = 3, .age = 1s}, [&](const ThresholdReached&) {
      ++told;
      registration.reset();
    });
    tags = open_many(ctx, 3);
  }
  clock->advance(5s);
  CHECK(told == 1);
}

TEST_CASE("a callback that opening calls may wait for a thread that advances the clock") {
  if constexpr (!leash::tracking_enabled) return;
  const auto clock = std::make_shared<FakeClock>();
  auto [tracker, ctx] = with_tracker(Context::background().with_clock(clock));
  Registration registration;
  bool told = false;
  registration = tracker.on_threshold({.open = 60}, [&](const ThresholdReached&) {
    std::thread([&] { clock->advance(2s); }).join();
    registration.reset();
    told = true;
  });
  const std::vector<Tag> tags = open_many(ctx, 130);
  CHECK(told);
}

TEST_CASE("after a Registration is gone its callback is not called, whoever opens at that moment") {
  if constexpr (!leash::tracking_enabled) return;
  auto [tracker, ctx] = with_tracker(Context::background());
  std::atomic<bool> stop{false};
  std::thread opener([&, context = ctx] {
    while (!stop.load()) static_cast<void>(open_many(context, 130));
  });
  for (int round = 0; round < 300; ++round) {
    auto alive = std::make_unique<std::atomic<int>>(0);
    {
      const Registration registration = tracker.on_threshold(
          {.open = 100, .rearm = 1}, [&told = *alive](const ThresholdReached&) { told.fetch_add(1); });
      if (round % 3 == 0) std::this_thread::yield();
    }
    const int told = alive->load();
    std::this_thread::yield();
    CHECK(alive->load() == told);
  }
  stop.store(true);
  opener.join();
}

TEST_CASE("a threshold that says nothing, or nonsense, is refused") {
  const Tracker tracker;
  const auto refuses = [&](const Threshold& threshold, const char* why) {
    CHECK_THROWS_WITH_AS(static_cast<void>(Tracker(tracker).on_threshold(threshold, [](const ThresholdReached&) {})),
                         (std::string("leash: Tracker::on_threshold: ") + why).c_str(), std::logic_error);
  };
  refuses({}, "no limit is set");
  refuses({.open = 0}, "open is 0");
  refuses({.descriptors = 0.0}, "descriptors is not above 0 and at most 1");
  refuses({.descriptors = 1.1}, "descriptors is not above 0 and at most 1");
  refuses({.descriptors = std::numeric_limits<double>::quiet_NaN()}, "descriptors is not above 0 and at most 1");
  refuses({.age = 0s}, "age is not above 0");
  refuses({.open = 1, .rearm = 2}, "rearm is not from 0 to 1");
  CHECK_THROWS_WITH_AS(static_cast<void>(Tracker(tracker).on_threshold({.open = 1}, nullptr)),
                       "leash: Tracker::on_threshold: the callback is empty", std::logic_error);
}
