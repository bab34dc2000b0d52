#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <leash/track/tracker.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sanitizers.hpp"
#include "track/child.hpp"
#include "track/kinds.hpp"

#if LEASH_TRACKING

using leash::Context;
using leash::track::acquire;
using leash::track::OnDrop;
using leash::track::Tag;
using leash::track::Tracker;
using leash::track::with_tracker;

namespace {

constexpr bool sanitized = leash_test::with_asan || leash_test::with_tsan;

/// The memory of this process that is there, in bytes.
std::size_t resident() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0;
  std::size_t pages = 0;
  file >> all >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t grown_since(std::size_t before) {
  const std::size_t now = resident();
  return now > before ? now - before : 0;
}

/// Space for `count` tags, all of which is there before anything is measured.
std::vector<Tag> room_for(std::size_t count) {
  std::vector<Tag> tags(count);
  tags.clear();
  return tags;
}

int told(const char* what, std::size_t a, std::size_t b) {
  std::printf("%s: %zu, %zu\n", what, a, b);
  return 1;
}

}  // namespace

TEST_CASE("what a burst of tags took is given back when they are closed") {
  const Outcome outcome = in_child([] {
    constexpr std::size_t count = sanitized ? 200'000 : 1'000'000;
    auto [tracker, context] = with_tracker(Context::background(), {.depth = 4});
    std::vector<Tag> tags = room_for(count);
    acquire(context, {slot, "first"}).close();
    const std::size_t before = resident();
    for (std::size_t index = 0; index < count; ++index) tags.push_back(acquire(context, {slot, "burst"}));
    const std::size_t peak = grown_since(before);
    if (tracker.open_count() != count) return told("open", tracker.open_count(), count);
    for (Tag& tag : tags) tag.close();
    tags.clear();
    const std::size_t after = grown_since(before);
    // ThreadSanitizer remembers every word that was ever used, and that stays.
    if (!sanitized && after > peak / 4) return told("kept after the burst", after, peak);
    // And it serves as before.
    for (std::size_t index = 0; index < count; ++index) tags.push_back(acquire(context, {slot, "burst"}));
    const std::size_t again = grown_since(before);
    if (!sanitized && again > peak + peak / 8) return told("the second burst", again, peak);
    return tracker.open_count() == count ? 0 : 2;
  });
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
}

TEST_CASE("records are used again, whichever thread closed them and in whatever order") {
  const Outcome outcome = in_child([] {
    constexpr std::size_t count = 20'000;
    auto [tracker, context] = with_tracker(Context::background(), {.depth = 4});
    std::vector<Tag> tags = room_for(count);
    std::size_t first = 0;
    const std::size_t before = resident();
    for (std::size_t round = 0; round < 30; ++round) {
      for (std::size_t index = 0; index < count; ++index) tags.push_back(acquire(context, {slot, "a"}));
      const auto close_all = [&] {
        for (std::size_t step = 0; step < count; ++step) {
          // 7919 is prime: each once.
          Tag tag = std::move(tags[step * 7919 % count]);
          tag.close();
        }
      };
      if (round % 3 == 0) {
        std::thread(close_all).join();
      } else {
        close_all();
      }
      tags.clear();
      if (round == 2) first = grown_since(before);
    }
    const std::size_t last = grown_since(before);
    // A sanitizer's own memory grows by the thread.
    if (last > first * 2 + (sanitized ? 32U : 1U) * 1024 * 1024) return told("30 rounds and 3", last, first);
    return tracker.open_count() == 0 ? 0 : 2;
  });
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
}

TEST_CASE("one open tag among many closed ones keeps no more than they took") {
  const Outcome outcome = in_child([] {
    constexpr std::size_t count = sanitized ? 50'000 : 200'000;
    auto [tracker, context] = with_tracker(Context::background(), {.depth = 4});
    std::vector<Tag> tags = room_for(count);
    std::vector<Tag> kept = room_for(count);
    const std::size_t before = resident();
    std::size_t peak = 0;
    for (std::size_t round = 0; round < 10; ++round) {
      for (std::size_t index = 0; index < count; ++index) tags.push_back(acquire(context, {slot, "a"}));
      if (round == 0) peak = grown_since(before);
      kept.push_back(std::move(tags[round * 1000]));
      for (Tag& tag : tags) tag.close();
      tags.clear();
    }
    if (tracker.open_count() != kept.size()) return 2;
    const std::size_t after = grown_since(before);
    return !sanitized && after > peak + peak / 4 ? told("ten rounds and one", after, peak) : 0;
  });
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
}

TEST_CASE("long names are let go with their tags") {
  const Outcome outcome = in_child([] {
    constexpr std::size_t count = 200;
    const std::string name(std::size_t{1} << 20U, 'n');
    auto [tracker, context] = with_tracker(Context::background(), {.depth = 4});
    std::vector<Tag> tags = room_for(count);
    const std::size_t before = resident();
    for (std::size_t index = 0; index < count; ++index) tags.push_back(acquire(context, {slot, name}));
    const std::size_t peak = grown_since(before);
    // Some of them may lie in memory that was there before.
    if (peak < count * name.size() / 2) return told("names are not there", peak, count * name.size());
    for (Tag& tag : tags) tag.close();
    tags.clear();
    const std::size_t after = grown_since(before);
    // A sanitizer keeps what was freed.
    return !sanitized && after > peak / 4 ? told("kept of long names", after, peak) : 0;
  });
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
}

TEST_CASE("tracker after tracker takes no more memory than one") {
  const Outcome outcome = in_child([] {
    const auto rounds = [](int count) {
      for (int round = 0; round < count; ++round) {
        auto [tracker, context] = with_tracker(Context::background(), {.depth = 4});
        std::vector<Tag> tags;
        for (int index = 0; index < 100; ++index) tags.push_back(acquire(context, {slot, "with a rather long name"}));
        tags[0].close();
        if (round % 2 == 0 && tracker.close().ok()) return false;
      }
      return true;
    };
    if (!rounds(500)) return 2;
    const std::size_t before = resident();
    if (!rounds(sanitized ? 3000 : 10'000)) return 2;
    const std::size_t more = grown_since(before);
    // Each took at least 100 records of 64 bytes; a sanitizer keeps much of what was freed.
    const std::size_t allowed = std::size_t{sanitized ? 256 : 2} * 1024 * 1024;
    return more > allowed ? told("grown", more, allowed) : 0;
  });
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
}

TEST_CASE("ten million tags are opened and closed without harm") {
  const Outcome outcome = in_child([] {
    constexpr std::size_t count = sanitized ? 500'000 : 10'000'000;
    auto [tracker, context] = with_tracker(Context::background());
    acquire(context, {slot, "first"}).close();
    const std::size_t before = resident();
    for (std::size_t index = 1; index < count; ++index) {
      Tag tag = acquire(context, {slot, "one of many", 3, OnDrop::closed});
      if (index % 2 == 0) tag.close();
    }
    const std::size_t more = grown_since(before);
    if (more > std::size_t{sanitized ? 64 : 1} * 1024 * 1024) return told("grown", more, 0);
    const leash::track::Report report = tracker.close();
    if (!report.ok() || !report.groups.empty()) return 2;
    return report.opened == count && report.closed == count ? 0 : 3;
  });
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
}

TEST_CASE("millions of tags may be open at once, and are reported in one group") {
  const Outcome outcome = in_child([] {
    constexpr std::size_t count = sanitized ? 300'000 : 3'000'000;
    auto [tracker, context] = with_tracker(Context::background());
    std::vector<Tag> tags = room_for(count);
    for (std::size_t index = 0; index < count; ++index) tags.push_back(acquire(context, {slot, std::to_string(index)}));
    const leash::track::Report report = tracker.close();
    if (report.groups.size() != 1 || report.groups[0].count != count) return 2;
    if (report.groups[0].instances.size() != 3 || report.groups[0].instances[2].name != "2") return 3;
    return to_string(report).size() < 10'000 ? 0 : 4;
  });
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
}

#endif
