#include <doctest/doctest.h>

#include <cstdlib>
#include <leash/track/tracker.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "kinds.hpp"
#include "run_program.hpp"

#if LEASH_TRACKING

using leash::Context;
using leash::track::acquire;
using leash::track::Level;
using leash::track::Report;
using leash::track::Tag;
using leash::track::with_tracker;

namespace {

/// What the program prints with these values in its environment; null is none.
std::string printed(const char* level, const char* depth) {
  // This process has read its own by then.
  static_cast<void>(leash::track::default_level());
  static_cast<void>(leash::track::default_depth());
  const auto set = [](const char* variable, const char* value) {
    if (value == nullptr) {
      ::unsetenv(variable);
    } else {
      ::setenv(variable, value, 1);
    }
  };
  set("LEASH_LEVEL", level);
  set("LEASH_DEPTH", depth);
  const Outcome outcome = run_program(DEFAULT_TRACKER);
  set("LEASH_LEVEL", nullptr);
  set("LEASH_DEPTH", nullptr);
  CHECK(outcome.status == 0);
  return outcome.output;
}

std::size_t times(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("the environment says what a tracker keeps whose options do not") {
  struct Case {
    const char* level;
    const char* depth;
    std::string_view by_default;
    std::string_view with_level_stack;
  };
  const std::vector<Case> cases{
      {nullptr, nullptr, "stack line=1 frames=16", "stack line=1 frames=16"},
      {"stack", nullptr, "stack line=1 frames=16", "stack line=1 frames=16"},
      {"site", nullptr, "site line=1 frames=0", "stack line=1 frames=16"},
      {"count", nullptr, "count line=0 frames=0", "stack line=1 frames=16"},
      {"", "", "stack line=1 frames=16", "stack line=1 frames=16"},
      {nullptr, "3", "stack line=1 frames=3", "stack line=1 frames=3"},
      {nullptr, "0", "stack line=1 frames=0", "stack line=1 frames=0"},
      {nullptr, "256", "stack line=1 frames=256", "stack line=1 frames=256"},
      {"site", "7", "site line=1 frames=0", "stack line=1 frames=7"},
  };
  for (const Case& one : cases) {
    const std::string by_default = "default " + std::string(one.by_default) + "\n";
    CHECK(printed(one.level, one.depth) == by_default + by_default +
                                               "explicit-level site line=1 frames=0\n"
                                               "explicit-depth stack line=1 frames=5\n"
                                               "explicit-stack " +
                                               std::string(one.with_level_stack) + "\n");
  }
}

TEST_CASE("a value in the environment that is none is told once, and the default is used") {
  for (const std::string& value : {std::string("Stack"), std::string("stacks"), std::string(" stack"), std::string("2"),
                                   std::string("\x1b[31m\n\xff"), std::string(100'000, 'x')}) {
    CAPTURE(value.substr(0, 20));
    const std::string output = printed(value.c_str(), nullptr);
    CHECK(times(output, "leash: LEASH_LEVEL=") == 1);
    CHECK(times(output, " is ignored: it must be count, site or stack\n") == 1);
    CHECK(times(output, "default stack line=1 frames=16\n") == 2);
    CHECK(times(output, "explicit-level site line=1 frames=0\n") == 1);
    CHECK(output.size() < 1000);
    CHECK_FALSE(output.contains('\x1b'));
  }
  for (const char* const value :
       {"257", "1000000", "-1", "+1", "16.0", "0x10", "16x", " 16", "many", "99999999999999999999999999"}) {
    CAPTURE(value);
    const std::string output = printed(nullptr, value);
    CHECK(times(output,
                "leash: LEASH_DEPTH=" + std::string(value) + " is ignored: it must be a number from 0 to 256\n") == 1);
    CHECK(times(output, "default stack line=1 frames=16\n") == 2);
    CHECK(times(output, "explicit-depth stack line=1 frames=5\n") == 1);
  }
}

TEST_CASE("each level prints what it keeps, and no more") {
  const auto text_at = [](Level level) {
    auto [tracker, context] = with_tracker(Context::background(), {.level = level});
    Tag tag = acquire(context.with_note("on the way"), {slot, "by name", 5});
    tag.touch();
    return to_string(tracker.close());
  };
  const std::string count = text_at(Level::count);
  const std::string site = text_at(Level::site);
  const std::string stack = text_at(Level::stack);
  const auto shown_in = [&](std::string_view part) {
    return std::string(count.contains(part) ? "count " : "") + (site.contains(part) ? "site " : "") +
           (stack.contains(part) ? "stack " : "");
  };
  CHECK(shown_in("1 slot not closed [leaked]") == "count site stack ");
  CHECK(shown_in("1 finding: 1 slot. 1 handle opened, 0 closed.") == "count site stack ");
  CHECK(shown_in("by name") == "site stack ");
  CHECK(shown_in("descriptor 5") == "site stack ");
  CHECK(shown_in("while: on the way") == "site stack ");
  CHECK(shown_in("open for") == "site stack ");
  CHECK(shown_in("tests/track/level_test.cpp:") == "site stack ");
  CHECK(shown_in("last used at tests/track/level_test.cpp:") == "site stack ");
  CHECK(shown_in("is not known at level count") == "count ");
}

TEST_CASE("trackers of all levels work side by side, in one thread") {
  std::vector<leash::track::TrackedContext> tracked;
  for (const Level level : {Level::count, Level::site, Level::stack}) {
    tracked.push_back(with_tracker(Context::background(), {.level = level}));
  }
  std::vector<Tag> tags;
  for (int round = 0; round < 100; ++round) {
    for (auto& each : tracked) {
      tags.push_back(acquire(each.context, {slot, "kept"}));
      acquire(each.context, {box, "closed"}).close();
    }
  }
  for (auto& each : tracked) {
    const Report report = each.tracker.close();
    CHECK(report.opened == 200);
    CHECK(report.closed == 100);
    REQUIRE(report.groups.size() == 1);
    CHECK(report.groups[0].count == 100);
    CHECK((report.groups[0].opened.site.line() != 0) == (each.tracker.level() != Level::count));
    CHECK(report.groups[0].opened.stack.addresses.empty() == (each.tracker.level() != Level::stack));
  }
}

TEST_CASE("at level count findings other than leaks are counted too") {
  auto [tracker, context] = with_tracker(Context::background(), {.level = Level::count});
  for (int round = 0; round < 3; ++round) {
    Tag tag = acquire(context, {slot, "twice"});
    tag.close();
    tag.close();
    tag.touch();
    const Tag dropped = acquire(context, {box, "dropped", -1, leash::track::OnDrop::error_lost});
  }
  const Report report = tracker.close();
  REQUIRE(report.groups.size() == 3);
  for (const auto& group : report.groups) CHECK(group.count == 3);
  CHECK(to_string(report).contains("3 slots closed twice [double-close]"));
}

#endif
