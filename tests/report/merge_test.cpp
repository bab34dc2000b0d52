#include <doctest/doctest.h>

#include <array>
#include <leash/clock.hpp>
#include <leash/track/report/merge.hpp>
#include <leash/track/report/text.hpp>
#include <string>
#include <vector>

#include "report/samples.hpp"

using leash::track::Change;
using leash::track::Diff;
using leash::track::Explained;
using leash::track::Severity;

TEST_CASE("reports are added up by the places and stacks of their groups") {
  Explained a = report_samples::large(3);
  a.opened = 10;
  a.closed = 7;
  a.remarks = {"one", "both"};
  Explained b = report_samples::large(2);
  b.groups.erase(b.groups.begin());
  b.groups[0].count = 4;
  b.groups[0].max_age = b.groups[0].total_age = std::chrono::seconds(2);
  b.total_groups = 9;
  b.total_resources = 12;
  b.opened = 12;
  b.remarks = {"both"};
  b.ok = true;

  const std::array reports{a, b};
  const Explained sum = leash::track::merge(reports);
  REQUIRE(sum.groups.size() == 3);
  CHECK(sum.groups[0].count == 5);
  CHECK(sum.groups[0].what == "5 files not closed");
  CHECK(sum.groups[0].place.line == 2);
  CHECK(sum.groups[0].max_age == std::chrono::seconds(2));
  CHECK(sum.groups[0].total_age == std::chrono::seconds(2));
  CHECK(sum.groups[1].place.line == 1);
  CHECK(sum.total_groups == 3 + 8);
  CHECK(sum.total_resources == 15);
  CHECK(sum.opened == 22);
  CHECK(sum.closed == 7);
  CHECK(sum.remarks == std::vector<std::string>{"one", "both"});
  CHECK_FALSE(sum.ok);
  CHECK(sum.headline == "15 not closed: 5 files a.cpp:2, 1 file a.cpp:1, 1 file a.cpp:3");
  CHECK(sum.sums == "7 files");
}

TEST_CASE("the sum of one report, and of none") {
  const Explained report = report_samples::real();
  Explained same = leash::track::merge(std::span(&report, 1));
  CHECK((same == report));
  const Explained none = leash::track::merge({});
  CHECK((none == Explained()));
}

TEST_CASE("failures of any report come before notes") {
  Explained a = report_samples::large(1);
  a.groups[0].severity = Severity::note;
  a.groups[0].count = 100;
  Explained b = report_samples::large(2);
  b.groups.erase(b.groups.begin());
  const std::array reports{a, b};
  const Explained sum = leash::track::merge(reports);
  REQUIRE(sum.groups.size() == 2);
  CHECK(sum.groups[0].severity == Severity::failure);
}

TEST_CASE("what is new, grown, fewer and gone between two reports") {
  Explained before = report_samples::large(4);
  Explained after = report_samples::large(5);
  after.groups.erase(after.groups.begin());
  after.total_groups = 4;
  after.groups[0].count = 3;  // of line 2
  after.groups[0].what = "3 files not closed";
  before.groups[2].count = 1000;  // of line 3
  const Diff diff = leash::track::diff(before, after);
  REQUIRE(diff.changes.size() == 4);
  const auto is = [&](std::size_t at, Change::Kind kind, unsigned line, std::uint64_t old_count,
                      std::uint64_t new_count) {
    const Change& change = diff.changes[at];
    return change.kind == kind && change.group.place.line == line && change.before == old_count &&
           change.after == new_count;
  };
  CHECK(is(0, Change::Kind::added, 5, 0, 1));
  CHECK(is(1, Change::Kind::grown, 2, 1, 3));
  CHECK(is(2, Change::Kind::shrunk, 3, 1000, 1));
  CHECK(is(3, Change::Kind::gone, 1, 1, 0));
  CHECK_FALSE(diff.ok());
  const std::string text = leash::track::text(diff);
  CHECK(text.starts_with("new: 1 file [leaked] src/a.cpp:5\nsrc/a.cpp:5: error: 1 file not closed [leaked]\n"));
  CHECK(text.contains("grown: 1 -> 3 files [leaked] src/a.cpp:2\n"));
  CHECK(text.contains("fewer: 1,000 -> 1 file [leaked] src/a.cpp:3\n"));
  CHECK(text.ends_with("gone: 1 file [leaked] src/a.cpp:1\n"));

  const Explained worse = leash::track::worse(diff);
  REQUIRE(worse.groups.size() == 2);
  CHECK(worse.groups[0].what == "2 files not closed");
  CHECK(worse.total_resources == 3);
}

TEST_CASE("two reports that differ in nothing that matters") {
  Explained before = report_samples::large(2);
  Explained after = before;
  after.opened = 70;
  CHECK(leash::track::diff(before, after).ok());
  CHECK(leash::track::text(leash::track::diff(before, after)) == "Nothing has changed.\n");
  after.total_groups = 30;
  CHECK(leash::track::text(leash::track::diff(before, after)) ==
        "Nothing has changed.\nThe new report left out 28 groups, so that changes may be missing or untrue.\n");
  after.groups.pop_back();
  CHECK(leash::track::diff(before, after).ok());
}

TEST_CASE("leaks at two lines of the same text stay two, and what is open is not what leaked") {
  Explained a = report_samples::large(1);
  Explained b = report_samples::large(2);
  b.groups.erase(b.groups.begin());
  b.groups[0].fingerprint = a.groups[0].fingerprint;
  const std::array lines{a, b};
  CHECK(leash::track::merge(lines).groups.size() == 2);

  Explained open = report_samples::large(1);
  open.groups[0].finding = open.verdict = false;
  open.ok = true;
  open.groups[0].severity = Severity::note;
  open.groups[0].what = "1 file open";
  const std::array weights{open, a};
  const Explained sum = leash::track::merge(weights);
  REQUIRE(sum.groups.size() == 2);
  CHECK(sum.groups[0].what == "1 file not closed");
  CHECK(sum.groups[1].what == "1 file open");

  const Diff worse = leash::track::diff(open, a);
  REQUIRE(worse.changes.size() == 2);
  CHECK(worse.changes[0].kind == Change::Kind::added);
  CHECK_FALSE(worse.ok());
}

TEST_CASE("between two versions lines and the folders of files may differ") {
  Explained before = report_samples::large(2);
  Explained after = before;
  for (auto& group : after.groups) {
    group.place.file = "moved/" + group.place.file;
    group.place.line += 7;
    for (auto& frame : group.events[0].frames) frame.place.line += 7;
  }
  CHECK(leash::track::diff(before, after).changes.empty());
}

TEST_CASE("ages that are too long to be added stay the longest") {
  Explained report = report_samples::large(1);
  report.groups[0].total_age = leash::Clock::duration::max() - leash::Clock::duration(1);
  const std::array twice{report, report};
  CHECK(leash::track::merge(twice).groups[0].total_age == leash::Clock::duration::max());
}
