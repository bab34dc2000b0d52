#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <leash/clock.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <optional>
#include <string>

#include "kinds.hpp"
#include "os/forked.hpp"
#include "sanitizers.hpp"

#if LEASH_TRACKING

// ThreadSanitizer forbids threads in the child of a program with threads.

using leash::FakeClock;
using leash::track::Report;
using leash::track::Tag;
using leash::track::Tracker;
using namespace std::chrono_literals;

TEST_SUITE_BEGIN("fork" * doctest::skip(leash_test::with_tsan));

TEST_CASE("a child judges a tracker that a thread it does not have was waiting for") {
  const auto clock = std::make_shared<FakeClock>();
  Tracker tracker({.clock = clock});
  std::optional<Tag> tag = tracker.create({slot, "held"});
  std::optional<Report> of_parent;
  std::jthread judge([&] { of_parent = tracker.close(24h); });
  // No check depends on its having come to wait.
  std::this_thread::sleep_for(20ms);
  CHECK(status_of([&] {
          const Report report = tracker.close(0s);
          return report.groups.size() == 1 && report.groups.front().instances.front().name == "held";
        }) == 0);
  CHECK(status_of([&] {
          std::jthread closes([&] { tag->close(); });
          return tracker.close(24h).ok();
        }) == 0);
  tag->close();
  judge.join();
  CHECK(of_parent->ok());
}

TEST_CASE("what was found before a fork is in the verdict of the child, also when a thread was giving the parent's") {
  std::move_only_function<void()> stay_in_verdict;
  class Slow final : public leash::Clock {
   public:
    explicit Slow(std::move_only_function<void()>& stay) : stay_(stay) {}

   private:
    time_point do_now() const override {
      if (stay_) std::exchange(stay_, nullptr)();
      return {};
    }
    time_point do_coarse_now() const override { return {}; }
    system_time_point do_system_now() const override { return {}; }
    leash::Registration do_at(time_point, leash::Function<void()>) override { return {}; }

    std::move_only_function<void()>& stay_;
  };
  Tracker tracker({.clock = std::make_shared<Slow>(stay_in_verdict)});
  Tag tag = tracker.create({slot, "closed twice"});
  tag.close();
  tag.close();
  const Meanwhile meanwhile([&](auto stay) {
    stay_in_verdict = stay;
    static_cast<void>(tracker.close());
  });
  CHECK(status_of([&] { return tracker.close().groups.size() == 1; }) == 0);
}

TEST_SUITE_END();

#endif
