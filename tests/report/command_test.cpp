#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <leash/track/report/format.hpp>
#include <leash/track/report/json.hpp>
#include <string>

#include "report/samples.hpp"
#include "run_program.hpp"
#include "temp_dir.hpp"

// The program `leash`.

using leash::track::Explained;

namespace {

class Files {
 public:
  std::string add(const std::string& name, const Explained& report) { return add_text(name, json(report).value()); }
  std::string add_text(const std::string& name, const std::string& text) {
    std::ofstream(directory_.path() + "/" + name, std::ios::binary) << text;
    return name;
  }
  Outcome run(const std::string& arguments) const {
    return run_program("(cd " + directory_.path() + " && '" LEASH_TOOL "' " + arguments + ")");
  }

 private:
  TempDir directory_;
};

Explained fine() {
  Explained report = report_samples::large(1);
  report.groups[0].severity = leash::track::Severity::note;
  report.ok = true;
  return report;
}

}  // namespace

TEST_SUITE_BEGIN("command" * doctest::skip(!leash::track::is_built(leash::track::Format::json)));

TEST_CASE("leash report adds up files, and its exit status says whether one has a failure") {
  Files files;
  files.add("a.json", report_samples::large(2));
  files.add("b.json", report_samples::large(3));
  files.add("fine.json", fine());
  const Outcome both = files.run("report a.json b.json");
  CAPTURE(both.output);
  CHECK(both.status == 1);
  CHECK(both.output.starts_with("5 not closed: 2 files a.cpp:1, 2 files a.cpp:2, 1 file a.cpp:3\n"));
  CHECK(files.run("report fine.json").status == 0);
  CHECK(files.run("report - < a.json").output == files.run("report a.json").output);
  const Outcome top = files.run("report --top 1 a.json b.json");
  CHECK(top.output.contains("src/a.cpp:1: error: 2 files not closed"));
  CHECK_FALSE(top.output.contains("src/a.cpp:3: error:"));
  CHECK(top.output.contains("2 more groups: see --top"));
  CHECK_FALSE(top.output.contains("LEASH_MAX_GROUPS"));
  const Outcome folded = files.run("report --format folded b.json");
  CHECK(folded.output == "main;app::open_0 1\nmain;app::open_1 1\nmain;app::open_2 1\n");
}

TEST_CASE("leash report --diff says what has changed, and fails if it is worse") {
  Files files;
  files.add("old.json", report_samples::large(1));
  files.add("new.json", report_samples::large(2));
  const Outcome worse = files.run("report --diff old.json new.json");
  CHECK(worse.status == 1);
  CHECK(worse.output.starts_with("new: 1 file [leaked] src/a.cpp:2\n"));
  const Outcome better = files.run("report --diff new.json old.json");
  CHECK(better.status == 0);
  CHECK(better.output == "gone: 1 file [leaked] src/a.cpp:2\n");
  CHECK(files.run("report --diff old.json --format folded new.json").output == "main;app::open_1 1\n");
}

TEST_CASE("leash report says what it cannot do") {
  Files files;
  files.add("a.json", report_samples::large(1));
  files.add_text("cut.json", "{\"schema\":");
  const auto says = [&](const std::string& arguments, const std::string& message) {
    const Outcome outcome = files.run(arguments);
    CAPTURE(outcome.output);
    CHECK(outcome.status == 2);
    CHECK(outcome.output.starts_with("leash: " + message));
  };
  says("", "no command\nusage: ");
  says("help", "there is no command help\nusage: ");
  says("report", "report: Invalid argument (no file)\nusage: ");
  says("report --format html a.json", "report html: Invalid argument (there is no such format)\n");
  says("report --top x a.json", "report x: Invalid argument (it is no number)\n");
  says("report a.json --diff", "report --diff: Invalid argument (it needs a value)\n");
  says("report --every a.json", "report --every: Invalid argument (there is no such option)\n");
  says("report none.json", "read none.json: No such file or directory\n");
  says("report .", "read .: Is a directory\n");
  says("report cut.json", "read cut.json: Invalid argument (line 1, column 11: it is cut off)\n");
  says("report a.json > /dev/full", "write standard output: No space left on device\n");
  const Outcome help = files.run("report --help");
  CHECK(help.status == 0);
  CHECK(help.output == files.run("--help").output);
  CHECK(std::ranges::count(help.output, '\n') <= 24);
}

TEST_SUITE_END();
