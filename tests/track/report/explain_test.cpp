#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <leash/detail/escape.hpp>
#include <leash/track/report/columns.hpp>
#include <leash/track/report/explain.hpp>
#include <leash/track/report/findings.hpp>
#include <leash/track/report/fingerprint.hpp>
#include <leash/track/report/text.hpp>
#include <leash/track/tracker.hpp>
#include <source_location>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "track/kinds.hpp"
#include "without_columns.hpp"

#if LEASH_TRACKING

using leash::Context;
using leash::track::acquire;
using leash::track::explain;
using leash::track::Explained;
using leash::track::Group;
using leash::track::Report;
using leash::track::Rule;
using leash::track::Tag;
using leash::track::text;
using leash::track::with_tracker;
using namespace std::chrono_literals;

namespace explain_test {

[[gnu::noinline]] Tag open_deep(const Context& context) { return acquire(context, {slot, "deep"}); }
[[gnu::noinline]] Tag open_wrapped(const Context& context) { return open_deep(context); }

/// A report of `groups` groups with a resource each, from as many places and functions.
Report made_by_hand(std::size_t groups, std::string_view name = "thing") {
  Report report;
  report.verdict = true;
  report.groups.resize(groups);
  report.opened = groups;
  for (Group& group : report.groups) {
    group.kind = slot;
    group.count = 1;
    group.instances = {{.name = std::string(name)}};
    group.opened.site = std::source_location::current();
  }
  return report;
}

/// All lines but those that are known not to be shortened: places, and what is to be copied.
std::size_t widest_line(const std::string& text) {
  std::istringstream in(text);
  std::size_t widest = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.contains("  suppress: ") || line.contains(": error: ")) continue;
    const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
    widest = std::max(widest, line.size() - static_cast<std::size_t>(std::ranges::count_if(line, continues)));
  }
  return widest;
}

}  // namespace explain_test

using namespace explain_test;

TEST_CASE(
    "explained: a leak has its place, its frames, advice by verb and kind, excerpt, suppression and fingerprint") {
  auto [tracker, context] = with_tracker(Context::background());
  const Tag tag = open_wrapped(context.with_note("on the way"));
  const Explained explained = explain(tracker.close());
  REQUIRE(explained.groups.size() == 1);
  CHECK_FALSE(explained.ok);
  CHECK(explained.verdict);
  CHECK(explained.total_resources == 1);
  CHECK(explained.sums == "1 slot");
  const Explained::Group& group = explained.groups[0];
  CHECK(group.finding);
  CHECK(group.what == "1 slot not closed");
  CHECK(group.kind == "slot");
  CHECK(group.place.file == "tests/track/report/explain_test.cpp");
  CHECK(group.place.line != 0);
  CHECK(group.place.column != 0);
  CHECK(group.advice == "call close() on the slot on every path, or let its owner end");
  CHECK(group.fingerprint.size() == 16);
  REQUIRE(group.instances.size() == 1);
  CHECK(group.instances[0].notes == std::vector<std::string>{"on the way"});
  REQUIRE(group.events.size() == 1);
  CHECK(group.events[0].verb == "opened at");
  CHECK(explained.headline == "1 not closed: 1 slot explain_test.cpp:" + std::to_string(group.place.line));
#ifdef LEASH_HAVE_LIBBACKTRACE
  const auto& frames = group.events[0].frames;
  REQUIRE(frames.size() >= 3);
  CHECK(frames[0].function.starts_with("explain_test::open_deep("));
  CHECK(frames[1].function.starts_with("explain_test::open_wrapped("));
  CHECK(group.suppression == "leaked slot top:explain_test::open_deep");
  for (const Explained::Frame& frame : frames) {
    for (const char* noise : {"leash::", "std::", "doctest::", "__libc"})
      CHECK_FALSE(frame.function.starts_with(noise));
  }
#endif
}

TEST_CASE(
    "explained: plumbing is hidden, the first frame above it is the place; where all is plumbing, the innermost "
    "stays") {
  auto [tracker, context] = with_tracker(Context::background(), {.plumbing = {"explain_test::open_*"}});
  const Tag tag = open_wrapped(context);
  const unsigned line = __LINE__ - 1;
  const Report report = tracker.close();
  CHECK(report.plumbing == std::vector<std::string>{"explain_test::open_*"});
#ifdef LEASH_EXPECT_LINES
  const Explained explained = explain(report);
  const Explained::Group& group = explained.groups[0];
  CHECK(group.place.line == line);
  for (const Explained::Frame& frame : group.events[0].frames) CHECK_FALSE(frame.function.contains("open_"));
  CHECK(group.suppression == "leaked slot top:tests/track/report/explain_test.cpp");

  const Explained by_file = explain(report, {.plumbing = {"report/explain_test.cpp"}});
  const auto& left = by_file.groups[0].events[0].frames;
  REQUIRE(left.size() >= 1);
  const Explained nothing = explain(report, {.plumbing = {"*"}});
  REQUIRE(nothing.groups[0].events[0].frames.size() == 1);
  CHECK(nothing.groups[0].events[0].frames[0].function.starts_with("explain_test::open_deep("));
#else
  static_cast<void>(line);
#endif
}

TEST_CASE("explained: a suppression line for what is above plumbing silences it") {
#ifdef LEASH_EXPECT_LINES
  const leash::track::Options options{.plumbing = {"explain_test::open_*"}};
  auto [tracker, context] = with_tracker(Context::background(), options);
  const Tag tag = open_wrapped(context);
  const std::string line = explain(tracker.close()).groups[0].suppression;
  leash::track::Options suppressed = options;
  suppressed.suppressions = leash::track::Suppressions::parse(line).value();
  auto [other, context_of_other] = with_tracker(Context::background(), suppressed);
  const Tag another = open_wrapped(context_of_other);
  CHECK(other.close().ok());
#endif
}

namespace explain_test {

Explained::Group opened_at(std::string file, unsigned line, std::string text, std::string caller = "main") {
  Explained::Group group;
  group.kind = "slot";
  group.place = {.file = std::move(file), .line = line};
  const Explained::Frame inner{.function = "svc::load(int)", .place = group.place, .lines = {"above", std::move(text)}};
  group.events = {{.place = group.place, .frames = {inner, {.function = std::move(caller)}}}};
  return group;
}

std::vector<std::string> fingerprints_of(std::vector<Explained::Group> groups) {
  leash::track::detail::set_fingerprints(groups);
  std::vector<std::string> fingerprints;
  for (const Explained::Group& group : groups) fingerprints.push_back(group.fingerprint);
  return fingerprints;
}

}  // namespace explain_test

TEST_CASE("explained: a fingerprint survives what changes elsewhere, and tells apart what differs") {
  const auto before = fingerprints_of({opened_at("src/svc.cpp", 10, "  a = open(ctx);")});
  CHECK(fingerprints_of({opened_at("/build/src/svc.cpp", 99, "a = open(ctx);  ")}) == before);
  CHECK(fingerprints_of({opened_at("src/svc.cpp", 10, "b = open(ctx);")}) != before);
  CHECK(fingerprints_of({opened_at("src/svc.cpp", 10, "a = open(ctx);", "other")}) != before);

  // Equal lines are told apart by their order, also when groups come in another one and lines have moved.
  const auto two = fingerprints_of({opened_at("svc.cpp", 10, "open(ctx);"), opened_at("svc.cpp", 20, "open(ctx);")});
  CHECK(two[0] != two[1]);
  const auto moved = fingerprints_of({opened_at("svc.cpp", 31, "open(ctx);"), opened_at("svc.cpp", 12, "open(ctx);")});
  CHECK(moved[0] == two[1]);
  CHECK(moved[1] == two[0]);
}

TEST_CASE("explained: an untracked descriptor has the fingerprint of its target, whatever its numbers are") {
  const auto report_of = [](std::string name) {
    Report report = made_by_hand(1, name);
    report.groups[0].rule = Rule::untracked;
    report.groups[0].opened = {};
    return explain(report).groups[0];
  };
  const Explained::Group group = report_of("/tmp/a #b; flags 02; position 1");
  CHECK(group.suppression == "untracked slot /tmp/a*#b");
  CHECK(report_of("/tmp/a #b; flags 02; position 2").fingerprint == group.fingerprint);
  CHECK(report_of("/tmp/b; flags 02; position 2").fingerprint != group.fingerprint);
}

TEST_CASE("explained: a suppression that was used is told as it can be read again") {
  Report report;
  leash::track::Suppressions::Line& used = report.suppressions.emplace_back().line;
  used.kind = "pool slot";
  used.pattern = "svc::*";
  used.max = 1;
  const std::string line = explain(report).suppressions[0].line;
  CHECK(line == "* \"pool slot\" svc::* max=1");
  CHECK(leash::track::Suppressions::parse(line).has_value());
}

TEST_CASE("explained: failures come first, so that a cut leaves out notes, and then the largest") {
  Report report = made_by_hand(3);
  report.groups[0].severity = leash::track::Severity::note;
  report.groups[0].count = 100;
  report.groups[2].count = 7;
  leash::track::detail::sort_groups(report.groups);
  CHECK(report.groups[0].count == 7);
  CHECK(report.groups[1].count == 1);
  CHECK(report.groups[2].count == 100);

  leash::track::Options options{.rules = {.double_close = leash::track::Severity::note}, .max_groups = 1};
  auto [tracker, context] = leash::track::with_tracker(Context(), options);
  for (int time = 0; time < 3; ++time) {
    Tag tag = open_deep(context);
    tag.close();
    tag.close();
  }
  const Tag leaked = open_wrapped(context);
  CHECK(text(explain(tracker.close())).contains("error:"));
}

TEST_CASE("explained: a function that a test framework has named does not count in a fingerprint") {
  const auto in_test = [](std::string name) {
    Explained::Group group = opened_at("svc_test.cpp", 10, "open(ctx);");
    group.events[0].frames[0].function = std::move(name);
    return fingerprints_of({group});
  };
  CHECK(in_test("DOCTEST_ANON_FUNC_14()") == in_test("DOCTEST_ANON_FUNC_16()"));
  CHECK(in_test("DOCTEST_ANON_FUNC_14()") != in_test("helper()"));
}

TEST_CASE("text: wide characters take two columns, and a place is whole however long it is") {
  using leash::track::detail::columns;
  using leash::track::detail::shorten_end;
  using leash::track::detail::shorten_middle;
  CHECK(columns("漢字ab") == 6);
  CHECK(shorten_end("漢字漢字", 5) == "漢字…");
  CHECK(shorten_end("漢字漢字", 4) == "漢…");
  CHECK(columns(shorten_middle("漢字漢字漢字漢字", 9)) <= 9);
  Report report = made_by_hand(1);
  Explained explained = explain(report);
  explained.groups[0].place.file = std::string(700, 'd') + "/f.cpp";
  CHECK(text(explained).contains(std::string(700, 'd') + "/f.cpp:"));
  explained.groups[0].advice.clear();
  explained.groups[0].suppression.clear();
  CHECK_FALSE(text(explained).contains("fix:"));
  CHECK_FALSE(text(explained).contains("suppress:"));
}

TEST_CASE("explained: as many groups as the options say; the headline and the totals know all") {
  Report report = made_by_hand(50);
  CHECK(explain(report).groups.size() == 20);
  CHECK(explain(report).total_groups == 50);
  report.max_groups = 3;
  CHECK(explain(report).groups.size() == 3);
  CHECK(explain(report, {.max_groups = 7}).groups.size() == 7);
  report.max_groups = 0;
  const Explained none = explain(report);
  CHECK(none.groups.empty());
  CHECK(none.headline.starts_with("50 not closed: 50 slots explain_test.cpp:"));
  const std::string shown = text(none);
  CHECK(shown.contains("50 smaller groups left out"));
  CHECK(shown.ends_with("50 findings: 50 slots. 50 handles opened, 0 closed."));

  auto [tracker, context] = with_tracker(Context::background(), {.max_groups = 1});
  std::vector<Tag> tags;
  tags.push_back(acquire(context, {slot, "a"}));
  tags.push_back(acquire(context, {slot, "b"}));
  CHECK(explain(tracker.close()).groups.size() == 1);
}

TEST_CASE("text: 0 and 100,000 groups") {
  CHECK(text(explain(made_by_hand(0))) == "Nothing was left open. 0 handles opened, 0 closed.");
  const std::string many = text(explain(made_by_hand(100'000)));
  CHECK(many.starts_with("100,000 not closed: 100,000 slots explain_test.cpp:"));
  CHECK(many.ends_with("100,000 findings: 100,000 slots. 100,000 handles opened, 0 closed."));
  CHECK(std::ranges::count(many, '\n') < 250);
}

TEST_CASE("text: fits widths of all sorts; a place is never shortened, nor is a character cut") {
  Explained explained =
      explain(made_by_hand(2, "a name with \x1b[31m and umlauts äöü äöü äöü äöü äöü äöü äöü äöü äöü äöü"));
  Explained::Event& event = explained.groups[0].events[0];
  const std::string letters = [] {
    std::string all;
    for (int count = 0; count < 50'000; ++count) all += "ä";
    return all;
  }();
  event.has_stack = true;
  event.frames = {{.function = letters, .place = {.file = "a/long/way/to/some/file.cpp", .line = 1234}},
                  {.function = "mylib::" + std::string(100'000, 'x') + "::run(int, int)",
                   .place = {.file = "b.cpp", .line = 1},
                   .inlined = true}};
  for (const std::size_t width : {0U, 1U, 2U, 10U, 40U, 80U, 100U, 10'000U}) {
    CAPTURE(width);
    const std::string shown = text(explained, {.width = width});
    CHECK(shown.contains("a/long/way/to/some/file.cpp:1234  "));
    CHECK_FALSE(shown.contains('\x1b'));
    // Cut inside a character, it would be escaped by nobody.
    std::string one_line = shown;
    std::ranges::replace(one_line, '\n', ' ');
    CHECK(leash::detail::escape(one_line, one_line.size()) == one_line);
    if (width >= 60) CHECK(widest_line(shown) <= width);
  }
  CHECK(text(explained, {.width = 100}).contains("::run(…)  (inlined)\n"));
}

TEST_CASE("text: colours only where they are wanted") {
  const Explained explained = explain(made_by_hand(2));
  CHECK_FALSE(text(explained).contains('\x1b'));
  const std::string coloured = text(explained, {.color = true});
  CHECK(coloured.contains("\x1b[1;31merror\x1b[0m: 1 slot not closed"));
  std::string plain;
  for (std::size_t at = 0; at < coloured.size(); ++at) {
    if (coloured[at] == '\x1b') {
      at = coloured.find('m', at);
    } else {
      plain += coloured[at];
    }
  }
  CHECK(plain == text(explained));
}

namespace svc {

std::vector<leash::track::Site> two_hundred_places() {
  std::vector<leash::track::Site> places;
#include "two_hundred_places.inc"
  return places;
}

}  // namespace svc

TEST_CASE("text: of 1,000 findings from 200 places, the headline and the largest groups are on the first screen") {
  Report report;
  report.verdict = true;
  report.opened = 54321;
  report.closed = 44321;
  const auto places = svc::two_hundred_places();
  REQUIRE(places.size() == 200);
  for (std::size_t number = 0; number < 1000; ++number) {
    Group& group = report.groups.emplace_back();
    group.kind = number % 3 == 0 ? slot : box;
    // From 181 down to 1.
    group.count = 1 + (999 - number) * (999 - number) / 5544;
    group.threads = {1};
    group.min_age = 1200ms;
    group.max_age = 3400ms;
    group.instances = {{.name = "10.0.0." + std::to_string(number % 256) + ":443"}};
    group.opened.site = places[number % 200];
  }
  const std::string shown = text(explain(report));
  std::ifstream file(GOLDEN_THOUSAND_FINDINGS);
  std::stringstream golden;
  golden << file.rdbuf();
  CHECK(leash_test::without_columns(shown) + "\n" == golden.str());
}

#endif
