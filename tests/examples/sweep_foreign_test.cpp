#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <leash/config.hpp>
#include <leash/fault/sweep.hpp>
#include <string>
#include <string_view>

#include "programs.hpp"
#include "run_program.hpp"

using leash::fault::SweepResult;
using sweep_foreign::Program;

namespace {

/// The program of that name; null where its library is missing.
const Program* find_program(std::string_view name) {
  const auto all = sweep_foreign::programs();
  const auto found = std::ranges::find(all, name, &Program::name);
  return found == all.end() ? nullptr : &*found;
}

void check_clean(std::string_view name) {
  const Program* const program = find_program(name);
  if (program == nullptr) return;
  leash::fault::SweepOptions options = program->options();
  options.max_runs = 400;
  const SweepResult result = leash::fault::sweep(program->run, options);
  CAPTURE(result);
  CHECK(result.ok());
  CHECK(result.points >= 50);
}

}  // namespace

TEST_CASE("libarchive over leash survives each failure") { check_clean("archive"); }

TEST_CASE("LevelDB over leash survives each failure and power cut") { check_clean("leveldb"); }

TEST_CASE("libxml2 over leash survives each failure") { check_clean("xml"); }

TEST_CASE("SQLite over leash survives each failure and power cut") { check_clean("sqlite"); }

TEST_CASE("mbedTLS over leash survives each failure") { check_clean("tls"); }

TEST_CASE("a sweep finds that LevelDB removes the manifest of a rename that took place and is told to have failed") {
  const Program* const leveldb = find_program("leveldb");
  if (leveldb == nullptr) return;
  const SweepResult result = leash::fault::sweep(leveldb->run, {.faults_per_run = 1});
  CAPTURE(result);
  REQUIRE_FALSE(result.ok());
  CHECK(result.groups.front().what == "the database can be opened");
  CHECK(std::ranges::count(result.groups, leash::track::Severity::failure, &leash::fault::SweepGroup::severity) == 1);
}

TEST_CASE("each run that docs/found.md names is bad in the way that its token says") {
  if constexpr (!leash::tracking_enabled) return;
  std::ifstream in(std::string(SOURCES) + "/docs/found.md");
  int commands = 0;
  for (std::string line; std::getline(in, line);) {
    const std::string begin = "    LEASH_REPLAY=";
    const std::string program = " sweep_foreign ";
    if (!line.starts_with(begin)) continue;
    const std::size_t at = line.find(program);
    REQUIRE(at != std::string::npos);
    if (find_program(line.substr(at + program.size())) == nullptr) continue;
    const std::string token = line.substr(4, at - 4);
    const Outcome outcome = run_program("cd '" + std::string(SOURCES) + "' && " + token + " '" + EXAMPLES +
                                        "/sweep_foreign/sweep_foreign' " + line.substr(at + program.size()));
    CAPTURE(outcome.output);
    CHECK(outcome.output.contains(token));
    CHECK(outcome.output.contains("1 of 1 failing operation "));
    ++commands;
  }
  CHECK((commands > 0 || sweep_foreign::programs().empty()));
}
