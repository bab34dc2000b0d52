#include <barrier>
#include <leash/track/catch2.hpp>
#include <leash/track/tracker.hpp>
#include <optional>
#include <stdexcept>
#include <thread>

#include "kinds.hpp"

using leash::track::Catch2Tracker;
using leash::track::Tag;

TEST_CASE("closes") {
  const Catch2Tracker tracker;
  Tag tag = leash::track::acquire(tracker.context(), {slot, "closed"});
  tag.close();
}

TEST_CASE("leaks") {
  std::optional<Tag> kept;
  const Catch2Tracker tracker;
  kept = leash::track::acquire(tracker.context(), {slot, "kept"});
}

TEST_CASE("throws and leaks") {
  std::optional<Tag> kept;
  const Catch2Tracker tracker;
  kept = leash::track::acquire(tracker.context(), {slot, "kept"});
  throw std::runtime_error("the test's own exception");
}

namespace {

class Fixture {
 protected:
  std::optional<Tag> kept_;
  Catch2Tracker tracker_{};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a fixture leaks") { kept_ = leash::track::acquire(tracker_.context(), {slot, "kept"}); }

TEST_CASE_METHOD(Fixture, "a fixture closes") { leash::track::acquire(tracker_.context(), {slot, "closed"}).close(); }

TEST_CASE("leaks in two threads at once") {
  std::barrier both(2);
  const auto leak = [&](const leash::track::Kind& kind) {
    std::optional<Tag> kept;
    const Catch2Tracker tracker;
    both.arrive_and_wait();
    kept = leash::track::acquire(tracker.context(), {kind, "kept"});
    both.arrive_and_wait();
  };
  std::jthread slots(leak, slot);
  std::jthread boxes(leak, box);
}

TEST_CASE("prints a report") {
  auto [tracker, context] = leash::track::with_tracker(leash::Context::background());
  const Tag tag = leash::track::acquire(context, {slot, "kept"});
  const leash::track::Report report = tracker.close();
  CHECK(Catch::Detail::stringify(report) == to_string(report));
  INFO(report);
  CHECK(report.ok());
}

namespace {

[[gnu::noinline]] Tag open_far_away(const leash::Context& context) {
  // clang-format off
#line 7 "a/very/long/way/to/some/folder/of/a/large/repository/with/many/parts/and/layers/far_away.cpp"
  return leash::track::acquire(context, {slot, "kept"});
  // clang-format on
}

}  // namespace

TEST_CASE("leaks far away") {
  std::optional<Tag> kept;
  const Catch2Tracker tracker;
  kept = open_far_away(tracker.context());
}
