#include <gtest/gtest.h>

#include <barrier>
#include <leash/track/gtest.hpp>
#include <leash/track/tracker.hpp>
#include <optional>
#include <stdexcept>
#include <thread>

#include "kinds.hpp"

using leash::track::GtestTracker;
using leash::track::Tag;

TEST(Tracked, Closes) {
  const GtestTracker tracker;
  Tag tag = leash::track::acquire(tracker.context(), {slot, "closed"});
  tag.close();
}

TEST(Tracked, Leaks) {
  std::optional<Tag> kept;
  const GtestTracker tracker;
  kept = leash::track::acquire(tracker.context(), {slot, "kept"});
}

TEST(Tracked, ThrowsAndLeaks) {
  std::optional<Tag> kept;
  const GtestTracker tracker;
  kept = leash::track::acquire(tracker.context(), {slot, "kept"});
  throw std::runtime_error("the test's own exception");
}

class Fixture : public testing::Test {
 protected:
  std::optional<Tag> kept_;
  GtestTracker tracker_{};
};

TEST_F(Fixture, Leaks) { kept_ = leash::track::acquire(tracker_.context(), {slot, "kept"}); }

TEST_F(Fixture, Closes) { leash::track::acquire(tracker_.context(), {slot, "closed"}).close(); }

TEST(Tracked, LeaksInTwoThreads) {
  std::barrier both(2);
  const auto leak = [&](const leash::track::Kind& kind) {
    std::optional<Tag> kept;
    const GtestTracker tracker;
    both.arrive_and_wait();
    kept = leash::track::acquire(tracker.context(), {kind, "kept"});
    both.arrive_and_wait();
  };
  std::jthread slots(leak, slot);
  std::jthread boxes(leak, box);
}

TEST(Tracked, PrintsReport) {
  auto [tracker, context] = leash::track::with_tracker(leash::Context::background());
  const Tag tag = leash::track::acquire(context, {slot, "kept"});
  const leash::track::Report report = tracker.close();
  EXPECT_TRUE(report.ok()) << report;
}
