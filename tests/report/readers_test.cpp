#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <leash/fmt.hpp>
#include <leash/track/report/folded.hpp>
#include <leash/track/report/format.hpp>
#include <leash/track/report/github.hpp>
#include <leash/track/report/junit.hpp>
#include <leash/track/report/pprof.hpp>
#include <leash/track/report/sarif.hpp>
#include <string>

#include "report/samples.hpp"
#include "run_program.hpp"
#include "temp_dir.hpp"

// Each format, as it is read by those who read it: Debian's python3-jsonschema and python3-junitparser, `go tool
// pprof`, and the rules of GitHub.

using leash::track::Explained;
using leash::track::Format;
using leash::track::SourceRoot;

namespace {

/// What the reader of a format prints of a file with this content; nothing if there is no such reader here.
std::optional<std::string> read_as(const std::string& reader, const std::string& content) {
  const TempDir directory;
  const std::string path = directory.path() + "/report";
  std::ofstream(path, std::ios::binary) << content;
  // Debian's packages are for its own Python.
  const std::string python = std::filesystem::exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
  const Outcome outcome = run_program(python + " '" + CHECKERS + "/check_formats.py' " + reader + " " + path);
  if (outcome.status == 77 || outcome.status == 127) {
    MESSAGE("left out: ", reader, ": ", outcome.output);
    return std::nullopt;
  }
  CHECK_MESSAGE(outcome.status == 0, reader, ": ", outcome.output.substr(0, 4000));
  return outcome.output;
}

/// What `go tool pprof` prints.
std::optional<std::string> pprof_prints(const std::string& options, const std::string& content) {
  const TempDir directory;
  const std::string path = directory.path() + "/report.pb.gz";
  std::ofstream(path, std::ios::binary) << content;
  const Outcome outcome = run_program("HOME=" + directory.path() + " go tool pprof " + options + " " + path);
  if (outcome.status == 127) {
    MESSAGE("left out: go is not installed");
    return std::nullopt;
  }
  CHECK_MESSAGE(outcome.status == 0, outcome.output.substr(0, 4000));
  return outcome.output;
}

Explained cut_to(Explained report, std::size_t groups) {
  report.groups.resize(groups);
  return report;
}

const SourceRoot no_root{};

}  // namespace

TEST_CASE("SARIF: the schema holds, and a result has its rule, level, place and count" *
          doctest::skip(!leash::track::is_built(Format::sarif))) {
  for (const Explained& report : {Explained(), report_samples::real(), report_samples::hostile()}) {
    read_as("sarif", sarif(report, no_root).value());
  }
  const auto read = read_as("sarif", sarif(report_samples::large(2), no_root).value());
  if (read) CHECK(*read == "leaked error src/a.cpp 1 1\nleaked error src/a.cpp 2 1\n");
}

TEST_CASE("SARIF: a group without a place has one all the same, and no text is a link or breaks the file" *
          doctest::skip(!leash::track::is_built(Format::sarif))) {
  Explained report = report_samples::large(1);
  report.groups[0].place = {};
  report.groups[0].fingerprint = report.groups[0].events[0].verb = report_samples::hostile_text();
  report.groups[0].instances.push_back({.name = "[click](https://example.org)"});
  const std::string text = sarif(report, no_root).value();
  CHECK(text.contains(R"(\\[click\\](https://example.org))"));
  const auto read = read_as("sarif", text);
  if (read) CHECK(*read == "leaked error unknown 1 1\n");
}

TEST_CASE("SARIF: no more results than GitHub keeps, and the rest is told" *
          doctest::skip(!leash::track::is_built(Format::sarif))) {
  const auto read = read_as("sarif", sarif(report_samples::large(5001), no_root).value());
  if (!read) return;
  CHECK(std::ranges::count(*read, '\n') == 5001);
  CHECK(read->ends_with("notification 1 of 5,001 groups are not shown\n"));
}

TEST_CASE("JUnit: failures have bodies, notes are skipped, and nothing is one case that passes") {
  read_as("junit", junit(report_samples::hostile(), no_root));
  const auto none = read_as("junit", junit(Explained(), no_root));
  if (none) CHECK(*none == "leash | nothing was left open | \n");
  Explained report = report_samples::large(2);
  report.groups[1].severity = leash::track::Severity::note;
  const auto read = read_as("junit", junit(report, no_root));
  if (read) {
    CHECK(*read ==
          "leash.leaked | src/a.cpp:1: 1 file not closed | Failure\n"
          "leash.leaked | src/a.cpp:2: 1 file not closed | Skipped\n");
  }
}

TEST_CASE("JUnit: no two cases have the same name") {
  Explained report = report_samples::large(1);
  report.groups[0].place.file = "/home/me/src/a.cpp";
  report.groups.push_back(report.groups[0]);
  const auto read = read_as("junit", junit(report, SourceRoot{"/home/me"}));
  if (!read) return;
  CHECK(*read ==
        "leash.leaked | src/a.cpp:1: 1 file not closed | Failure\n"
        "leash.leaked | src/a.cpp:1: 1 file not closed (2) | Failure\n");
}

TEST_CASE("GitHub: ten annotations at most, what is left out is told, and nothing breaks out of a command") {
  read_as("github", github(report_samples::hostile(), no_root).annotations);
  read_as("summary", github(report_samples::hostile(), no_root).summary);
  CHECK(github(Explained(), no_root).annotations.empty());
  CHECK(github(Explained(), no_root).summary.empty());

  const leash::track::GithubReport report = github(cut_to(report_samples::large(100), 30), no_root);
  const auto read = read_as("github", report.annotations);
  if (read) {
    CHECK(std::ranges::count(*read, '\n') == 10);
    CHECK(read->starts_with("error src/a.cpp 1 leash%3A 1 file not closed\n"));
  }
  CHECK(report.annotations.contains("%0A90 more findings: see the summary"));
  CHECK(report.summary.ends_with("70 of 100 groups are not shown.\n"));
}

TEST_CASE("GitHub: a summary that would be too large is cut, and says so") {
  const leash::track::GithubReport report = github(report_samples::large(100'000), no_root);
  read_as("summary", report.summary);
  CHECK(report.summary.size() > 900 * 1024);
  CHECK(report.summary.ends_with(" of 100,000 groups are not shown.\n"));
}

TEST_CASE("folded stacks: one in a line with its count, the outermost function first") {
  read_as("folded", folded(report_samples::hostile()));
  Explained report = cut_to(report_samples::large(5), 3);
  report.groups[1].events[0].frames[0].inlined = true;
  report.groups[1].count = 7;
  report.groups[2] = report.groups[0];
  report.total_resources = 12;
  const std::string text = folded(report);
  CHECK(text == "[not shown] 3\nmain;app::open_0 2\nmain;app::open_1_[i] 7\n");
  read_as("folded", text);
}

TEST_CASE("pprof: go tool pprof adds up what is open, by function" *
          doctest::skip(!leash::track::is_built(Format::pprof))) {
  Explained report = report_samples::large(3);
  report.groups[0].count = 40;
  report.groups[1].count = 2;
  report.groups[2].rule = leash::track::Rule::dropped;
  report.groups[1].total_age = std::chrono::seconds(3);
  const std::string profile = pprof(report).value();
  if (const auto top = pprof_prints("-top", profile)) {
    CHECK(top->contains("Type: open\n"));
    CHECK(top->contains("42, 100% of 42 total"));
    CHECK(top->contains("40 95.24% 95.24%         40 95.24%  app::open_0"));
  }
  if (const auto top = pprof_prints("-top -sample_index=opened", profile)) CHECK(top->contains("43, 100% of 43 total"));
  if (const auto top = pprof_prints("-top -sample_index=age", profile)) CHECK(top->contains("3s, 100% of 3s total"));
  if (const auto tags = pprof_prints("-tags", profile)) {
    CHECK(tags->contains("kind: Total 42.0"));
    CHECK(tags->contains("42.0 (  100%): leaked"));
  }
}

TEST_CASE("pprof: a real and a hostile report are read, and so is an empty one" *
          doctest::skip(!leash::track::is_built(Format::pprof))) {
  for (const Explained& report : {Explained(), report_samples::real(), report_samples::hostile()}) {
    pprof_prints("-raw", pprof(report).value());
  }
  if constexpr (leash::tracking_enabled) {
    if (const auto top = pprof_prints("-top -cum", pprof(report_samples::real()).value())) {
      CHECK(top->contains("open_connection"));
    }
  }
}

TEST_CASE("paths below the root become relative, others stay") {
  const SourceRoot root{"/home/me/project/"};
  CHECK(root.relative("/home/me/project/src/./x/../a.cpp") == "src/a.cpp");
  CHECK(root.relative("/home/me/projects/a.cpp") == "/home/me/projects/a.cpp");
  CHECK(root.relative("src/a.cpp") == "src/a.cpp");
  CHECK(no_root.relative("/home/a.cpp") == "/home/a.cpp");
  CHECK(SourceRoot{"/"}.relative("/a.cpp") == "/a.cpp");
}

TEST_CASE("each format has a name") {
  for (const Format each :
       {Format::text, Format::json, Format::sarif, Format::junit, Format::github, Format::folded, Format::pprof}) {
    CHECK(leash::track::format_named(to_string(each)) == each);
    const auto text = write(report_samples::real(), each, no_root);
    CHECK(text.has_value() == leash::track::is_built(each));
    if (!text) CHECK(text.error() == std::errc::function_not_supported);
  }
  CHECK_FALSE(leash::track::format_named("html").has_value());
}
