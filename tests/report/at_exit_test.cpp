#include <doctest/doctest.h>

#include <filesystem>
#include <leash/fmt.hpp>
#include <leash/track/report/format.hpp>
#include <leash/track/report/json.hpp>
#include <string>

#include "run_in_folder.hpp"

// What LEASH_REPORT makes a program leave behind.

using leash::track::Explained;
using leash::track::Format;

namespace {

class Run : public RunInFolder {
 public:
  Outcome run(const std::string& variables, const std::string& program = REPORTING) const {
    return RunInFolder::run(variables, program);
  }
};

}  // namespace

TEST_CASE("LEASH_REPORT writes the sum of all trackers of the tests and of the process's, in each format of its list" *
          doctest::skip(!leash::tracking_enabled || !leash::track::is_built(Format::json))) {
  const Run run;
  const Outcome outcome = run.run("LEASH_REPORT=json:all.json,folded:all.folded,junit:j-%p%%.xml");
  CAPTURE(outcome.output);
  const auto report = leash::track::from_json(run.content("all.json"));
  REQUIRE(report.has_value());
  REQUIRE(report->groups.size() == 3);
  CHECK(report->groups[0].count == 2);
  CHECK(report->groups[0].what == "2 files not closed");
  CHECK(report->groups[1].count == 1);
  CHECK_FALSE(report->groups[1].finding);
  CHECK_FALSE(report->ok);
  CHECK(report->opened == 5);
  CHECK(run.content("all.folded").contains(" 2\n"));
  CHECK(run.files() == 3);
}

TEST_CASE("a LEASH_REPORT that says something else than formats and files is told, and the rest is written") {
  const Run run;
  const auto says = [&](const std::string& wanted, const std::string& message) {
    const Outcome outcome = run.run("LEASH_REPORT='" + wanted + "'");
    CAPTURE(outcome.output);
    CHECK(outcome.output.contains("leash: LEASH_REPORT: " + message));
  };
  if constexpr (!leash::tracking_enabled) return;
  says("html:a.html", "parse html:a.html: Invalid argument (there is no such format)");
  says("leaks.json", "parse leaks.json: Invalid argument (expected FORMAT:FILE)");
  says("text:", "parse text:: Invalid argument (expected FORMAT:FILE)");
  says("text:a-%d", "parse a-%d: Invalid argument (behind % there is p or %)");
  says("text:none/a.txt,text:b.txt", "create ");
  CHECK(run.files() == 1);
  CHECK(run.content("b.txt").contains("not closed"));
}

TEST_CASE("what cannot be written whole leaves the old file" * doctest::skip(!leash::tracking_enabled)) {
  const Run run;
  run.put("old.txt", "as it was");
  // Files of that size end with EFBIG.
  const Outcome outcome = run.run("sh -c 'ulimit -f 0; trap \"\" XFSZ; LEASH_REPORT=text:old.txt exec \"$0\"'");
  CAPTURE(outcome.output);
  CHECK(outcome.output.contains("/old.txt: File too large\n"));
  CHECK(run.content("old.txt") == "as it was");
  CHECK(run.files() == 1);
}

TEST_CASE("a program that is not linked with leash::report says so once" * doctest::skip(!leash::tracking_enabled)) {
  const Run run;
  const Outcome outcome = run.run("LEASH_REPORT=text:a.txt", NOT_REPORTING);
  const std::string message =
      "leash: LEASH_REPORT is set, but nothing is written: this program is not linked with leash::report\n";
  const std::size_t at = outcome.output.find(message);
  REQUIRE(at != std::string::npos);
  CHECK(outcome.output.find(message, at + 1) == std::string::npos);
  CHECK(run.files() == 0);
}

TEST_CASE("under GitHub Actions annotations and the summary come by themselves" *
          doctest::skip(!leash::tracking_enabled)) {
  const Run run;
  run.put("summary.md", "what was there\n");
  const Outcome outcome = run.run("GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY=summary.md");
  CAPTURE(outcome.output);
  CHECK(outcome.output.contains("::error file=tests/report/reporting.cpp,line="));
  CHECK(outcome.output.contains("title=leash%3A 2 files not closed::"));
  CHECK(run.content("summary.md").starts_with("what was there\n### leash: "));
  const Outcome quiet = run.run("");
  CHECK_FALSE(quiet.output.contains("::error"));
}

TEST_CASE("what is no file is written to, a link stays one, and so does the mode of a file" *
          doctest::skip(!leash::tracking_enabled)) {
  const Run run;
  run.put("old.txt", "as it was");
  const Outcome outcome = run.run(
      "sh -c 'ln -s old.txt link.txt; chmod 640 old.txt; mkfifo pipe; exec 3<>pipe; "
      "LEASH_REPORT=text:/dev/null,text:link.txt,folded:pipe \"$0\"; dd bs=65536 count=1 <&3 > through; "
      "stat -c %F,%a link.txt old.txt pipe'");
  CAPTURE(outcome.output);
  CHECK(outcome.output.contains("symbolic link,777\nregular file,640\nfifo,"));
  CHECK(run.content("old.txt").contains("not closed"));
  CHECK(run.content("through").contains(" 2\n"));
  CHECK(std::filesystem::is_character_file("/dev/null"));
}

TEST_CASE("a pipe that nobody reads does not keep the program from its end" * doctest::skip(!leash::tracking_enabled)) {
  const Run run;
  const Outcome outcome = run.run("sh -c 'mkfifo pipe; LEASH_REPORT=text:pipe exec timeout 60 \"$0\"'");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 1);
  CHECK(outcome.output.contains("/pipe: No such device or address\n"));
}

TEST_CASE("a program may open before main, go elsewhere and change its environment" *
          doctest::skip(!leash::tracking_enabled)) {
  const Run run;
  const Outcome outcome =
      run.run("LEASH_REPORT=text:early.txt", std::string(REPORTING) + "' --test-case='goes elsewhere");
  CAPTURE(outcome.output);
  CHECK(run.content("early.txt").contains("1 file"));
  CHECK(run.files() == 1);
}

TEST_CASE("a summary of a step that is full stays as it is" * doctest::skip(!leash::tracking_enabled)) {
  const Run run;
  run.put("summary.md", std::string(1024 * 1024 - 10, 'x'));
  const Outcome outcome = run.run("GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY=summary.md");
  CHECK(outcome.output.contains("(the summary of the step is full: nothing was added)\n"));
  CHECK(run.content("summary.md").size() == 1024 * 1024 - 10);
}
