#include <doctest/doctest.h>

#include <leash/track/level.hpp>
#include <string>

#include "run_in_folder.hpp"
#include "sanitizers.hpp"

// Reports of a running program: LEASH_DUMP_AT, LEASH_DUMP_SIGNAL, LEASH_DUMP_TO.

namespace {

/// What these programs do without a free descriptor is not for UndefinedBehaviorSanitizer, which is in the builds with
/// AddressSanitizer and needs some itself. It runs in builds without.
constexpr bool no_shortage = !leash::tracking_enabled || leash_test::with_asan;

std::string dumping(const char* part) { return DUMPING + std::string("' '") + part; }

/// Behind variables: with so few descriptors from its beginning on.
const std::string with_few = " sh -c 'ulimit -n 40; exec \"$0\" \"$@\"'";

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

}  // namespace

TEST_CASE("LEASH_DUMP_AT writes a report when so many are open, and again when they were fewer" *
          doctest::skip(!leash::tracking_enabled)) {
  const RunInFolder run;
  const Outcome outcome = run.run("LEASH_DUMP_AT=60 LEASH_DUMP_TO=text:dump-%n.txt", dumping("many"));
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(run.content("dump-1.txt").contains(" files open [open]\n"));
  CHECK(run.content("dump-1.txt").contains("tests/report/dumping.cpp:"));
  CHECK(run.content("dump-2.txt").contains(" files open [open]\n"));
}

TEST_CASE("LEASH_DUMP_SIGNAL writes one of all trackers whenever the signal comes" *
          doctest::skip(!leash::tracking_enabled)) {
  const RunInFolder run;
  // A file has all groups, however many a terminal is shown.
  const Outcome outcome =
      run.run("LEASH_MAX_GROUPS=1 LEASH_DUMP_SIGNAL=SIGUSR2 LEASH_DUMP_TO=text:dump-%n.txt", dumping("signals"));
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(run.content("dump-1.txt").contains("2 files open [open]\n"));
  CHECK(run.content("dump-2.txt").contains("2 files open [open]\n"));
  CHECK(run.content("dump-2.txt").contains("3 files open [open]\n"));
  CHECK(run.files() == 2);
}

TEST_CASE("a forked child answers the signal" *
          doctest::skip(!leash::tracking_enabled || leash_test::no_fork_among_threads)) {
  const RunInFolder run;
  const Outcome outcome = run.run("LEASH_DUMP_SIGNAL=12 LEASH_DUMP_TO=text:dump-%n.txt", dumping("child"));
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(run.content("dump-1.txt").contains("2 files open [open]\n"));
}

TEST_CASE("without descriptors there is one more report, once, with names" * doctest::skip(no_shortage)) {
  const RunInFolder run;
  const Outcome outcome = run.run("LEASH_DUMP_AT=5000" + with_few, dumping("out"));
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(occurrences(outcome.output, "leash: out of descriptors (EMFILE):\n") == 1);
  CHECK(outcome.output.contains(" files open [open]\n"));
  CHECK(outcome.output.contains("run_out_of_descriptors"));
  CHECK(run.run(with_few, dumping("out")).output.empty());
}

TEST_CASE("what the variables say wrongly is told, and the program runs" * doctest::skip(!leash::tracking_enabled)) {
  const RunInFolder run;
  const auto says = [&](const std::string& variables) { return run.run(variables, dumping("nothing")).output; };
  CHECK(says("LEASH_DUMP_AT=many") == "leash: LEASH_DUMP_AT: expected a number of open resources, not \"many\"\n");
  CHECK(says("LEASH_DUMP_AT=0").contains("not \"0\"\n"));
  CHECK(says("LEASH_DUMP_SIGNAL=USR3") ==
        "leash: LEASH_DUMP_SIGNAL: expected USR1, USR2, CONT, WINCH or the number of a real-time signal, "
        "not \"USR3\"\n");
  for (const char* const wrong : {"SEGV", "11", "9", "TERM", "32"}) {
    CHECK(says("LEASH_DUMP_SIGNAL=" + std::string(wrong)).contains("not \"" + std::string(wrong) + "\"\n"));
  }
  CHECK(says("LEASH_DUMP_AT=5 LEASH_DUMP_TO=jsn:x") ==
        "leash: LEASH_DUMP_TO: parse jsn:x: Invalid argument (there is no such format)\n");
  CHECK(says("LEASH_DUMP_TO=text:x") ==
        "leash: LEASH_DUMP_TO does nothing without LEASH_DUMP_AT or LEASH_DUMP_SIGNAL\n");
}

TEST_CASE("a LEASH_DUMP_TO that says something else than formats and files is told, and the rest is written" *
          doctest::skip(no_shortage)) {
  const RunInFolder run;
  const Outcome wrong = run.run("LEASH_DUMP_AT=5000 LEASH_DUMP_TO=html:a,text:b-%n.txt" + with_few, dumping("out"));
  CAPTURE(wrong.output);
  CHECK(wrong.status == 0);
  CHECK(wrong.output.contains("leash: LEASH_DUMP_TO: parse html:a: Invalid argument (there is no such format)\n"));
  CHECK(run.content("b-1.txt").contains(" files open [open]\n"));
  CHECK(wrong.output.contains("leash: out of descriptors (EMFILE):\n"));
}

TEST_CASE("a program without leash::report writes text, and says why" * doctest::skip(no_shortage)) {
  const RunInFolder run;
  const Outcome outcome =
      run.run("LEASH_DUMP_AT=5000 LEASH_DUMP_TO=json:a.json" + with_few, NOT_DUMPING + std::string("' 'out"));
  CAPTURE(outcome.output);
  CHECK(outcome.output.contains("leash: LEASH_DUMP_TO is set, but this program is not linked with leash::report"));
  CHECK(outcome.output.contains(" files open [open]\n"));
  CHECK(run.files() == 0);
}
