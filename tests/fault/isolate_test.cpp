#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <leash/fault/plan.hpp>
#include <leash/fault/sweep.hpp>
#include <semaphore>
#include <string>
#include <thread>

#include "sanitizers.hpp"

using leash::Context;
using leash::Result;
using leash::fault::SweepOptions;
using leash::fault::SweepResult;
using leash::fault::Trouble;
using namespace std::chrono_literals;

namespace {

SweepOptions isolated() {
  SweepOptions options{.in_a_row = 1, .faults_per_run = 1, .watchdog = 1s, .isolate = true};
  for (const char* const each : {"abort", "exit", "hang", "fine"}) options.faults.set(each, {{}});
  return options;
}

/// Does worse than to fail.
Result<void> fragile(const Context& context) {
  if (!leash::fault::check(context, "abort", "a")) std::abort();
  if (!leash::fault::check(context, "exit", "a")) std::_Exit(3);
  if (!leash::fault::check(context, "hang", "a")) {
    for (;;) std::this_thread::sleep_for(1ms);
  }
  return leash::fault::check(context, "fine", "a");
}

}  // namespace

TEST_CASE("runs that end their process, or never end, are findings, and the sweep goes on" *
          doctest::skip(leash_test::with_tsan)) {
  const SweepResult result = leash::fault::sweep(fragile, isolated());
  CAPTURE(result);
  CHECK(result.problems.empty());
  CHECK(result.points == 4);
  CHECK(result.runs == 6);
  REQUIRE(result.groups.size() == 3);
  const std::string text = to_string(result);
  CHECK(text.contains(
      "isolate_test.cpp:30: error: 1 of 4 failing operations ends the process, which is killed by SIGABRT"));
  CHECK(text.contains(
      "isolate_test.cpp:31: error: 1 of 4 failing operations ends the process, which exits with status 3"));
  CHECK(text.contains("isolate_test.cpp:32: error: 1 of 4 failing operations makes the body last longer"));
  CHECK(text.contains("LEASH_REPLAY=abort/"));
}

TEST_CASE("a body that crashes without any fault is told so" * doctest::skip(leash_test::with_tsan)) {
  const SweepResult result = leash::fault::sweep([](const Context&) { std::abort(); }, isolated());
  CHECK_FALSE(result.ok());
  CHECK(to_string(result).contains("without any fault, the body ends its process, which is killed by SIGABRT"));
}

TEST_CASE("a process with other threads is not forked, and they are named") {
  std::binary_semaphore over{0};
  const std::jthread other([&] { over.acquire(); });
  const SweepResult result = leash::fault::sweep(fragile, isolated());
  over.release();
  CHECK_FALSE(result.ok());
  CHECK(result.runs == 0);
  REQUIRE(result.problems.size() == 1);
  CHECK(result.problems[0].starts_with("runs cannot be isolated, since the process has other threads: fault_test"));
}
