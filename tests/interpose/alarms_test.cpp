#include <doctest/doctest.h>

#include <string>

#include "net/program.hpp"
#include "run_program.hpp"
#include "temp_dir.hpp"

// What `leash run` must not say of programs that close all that they open, nor do to them. docs/run_programs.md has the
// programs of Debian that do this.

namespace {

Outcome run_alone(const std::string& command, const std::string& options = "") {
  return run_program("timeout --kill-after=5 60 " LEASH_TOOL " run " + options + " " + command);
}

void check_silent(const std::string& command) {
  const Outcome outcome = run_alone(command);
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(outcome.output.empty());
}

}  // namespace

TEST_CASE("what the destructors of a library close is not told") { check_silent(DESTRUCTING); }

TEST_CASE("what a system call of its own closes is no leak, and is counted") {
  const Outcome one = run_alone(OPENING " 'past libc' 1");
  CHECK(one.status == 0);
  CHECK(one.output.contains("1 descriptor was closed by what is not seen here"));
  CHECK(one.output.contains("Nothing was left open."));
  // Their numbers come again in the report itself, which opens files.
  const Outcome many = run_alone(OPENING " 'past libc' 5");
  CHECK(many.status == 0);
  CHECK(many.output.contains("5 descriptors were closed by what is not seen here"));
}

TEST_CASE("a number that comes again was closed by what is not seen") {
  const Outcome outcome = run_alone(OPENING " 'past libc again'");
  CHECK(outcome.status == 0);
  CHECK(outcome.output.contains("3 descriptors were closed by what is not seen here"));
}

TEST_CASE("standard streams that are put back are not told") { check_silent(OPENING " stream"); }

TEST_CASE("a child of a system call of its own makes no report of what its parent has open") {
  const Outcome outcome = run_alone(OPENING " clone");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(outcome.output.find("1 file not closed") == outcome.output.rfind("1 file not closed"));
}

TEST_CASE("to close all numbers that there may be is no finding") { check_silent(OPENING " 'all numbers'"); }

TEST_CASE("what other threads open and close while the report is made is not told") {
  // Of so many, some come to that moment.
  for (int time = 0; time < 40; ++time) {
    const Outcome outcome = run_alone(OPENING " 'among threads'");
    CAPTURE(outcome.output);
    CHECK(outcome.status == 0);
    CHECK_FALSE(outcome.output.contains("after the tracker's verdict"));
  }
}

TEST_CASE("an allocator may open a file in its first call") { check_silent(ALLOCATING); }

TEST_CASE("a program that empties its environment has its report in files") {
  const TempDir folder;
  CHECK(run_alone(OPENING " environment", "--report text:" + folder / "report").status == 0);
  CHECK(content_of(folder / "report").contains("1 file not closed"));
}
