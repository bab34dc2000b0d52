#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <exception>
#include <stdexcept>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <leash/fault/plan.hpp>
#include <leash/fault/sweep.hpp>
#include <memory>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>

#include "sanitizers.hpp"
#include "track/child.hpp"

using leash::Context;
using leash::Result;
using leash::fault::SweepOptions;
using leash::fault::SweepResult;
using leash::fault::Trouble;
using namespace std::chrono_literals;

namespace {

/// For bodies of which some run never ends, `watchdog` is what the test then takes.
SweepOptions isolated(std::chrono::seconds watchdog = 60s) {
  SweepOptions options{.in_a_row = 1, .faults_per_run = 1, .watchdog = watchdog, .isolate = true};
  for (const char* const each : {"abort", "exit", "hang", "fine"}) options.faults.set(each, {{}});
  return options;
}

constexpr unsigned abort_line = __LINE__ + 4;

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
  const SweepResult result = leash::fault::sweep(fragile, isolated(5s));
  CAPTURE(result);
  CHECK(result.problems.empty());
  CHECK(result.points == 4);
  CHECK(result.runs == 6);
  REQUIRE(result.groups.size() == 3);
  const std::string text = to_string(result);
  const auto tells = [&](unsigned line, std::string_view what) {
    return text.contains("isolate_test.cpp:" + std::to_string(line) + ": error: 1 of 4 failing operations " +
                         std::string(what));
  };
  CHECK(tells(abort_line, "ends the process, which is killed by SIGABRT"));
  CHECK(tells(abort_line + 1, "ends the process, which exits with status 3"));
  CHECK(tells(abort_line + 2, "makes the body last longer"));
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

namespace {

/// A sweep in a process of its own, which a run may end.
template <class Body>
Outcome sweep_in_child(Body body) {
  return in_child([&] {
    // That of the test framework would report a failure of this test.
    std::signal(SIGABRT, SIG_DFL);
    SweepOptions options = isolated();
    options.isolate = false;
    return leash::fault::sweep(body, options).ok() ? 0 : 1;
  });
}

/// Needs more stack than there is, for a great `depth`.
std::size_t descend(std::size_t depth) {
  if (depth == 0) return 0;
  std::array<char, 4096> room{};
  *static_cast<volatile char*>(room.data()) = static_cast<char>(depth);
  return descend(depth - 1) + static_cast<std::size_t>(*static_cast<volatile char*>(room.data()));
}

}  // namespace

TEST_CASE("a run that is not isolated and crashes says how to run it alone, and ends as it would have ended" *
          doctest::skip(leash_test::with_tsan)) {
  const Outcome ended = sweep_in_child(fragile);
  CAPTURE(ended.output);
  CHECK(ended.status == -SIGABRT);
  CHECK(ended.output.starts_with("leash: a run of the sweep crashes: run it alone with LEASH_REPLAY=abort/fragile/"));
  CHECK(ended.output.ends_with("/1/EIO\n"));
}

#if defined(__x86_64__)
TEST_CASE("a run that comes to a breakpoint ends by that, though it could go on behind it" *
          doctest::skip(leash_test::with_tsan)) {
  const Outcome ended = sweep_in_child([](const Context& context) -> Result<void> {
    if (!leash::fault::check(context, "fine", "a")) asm volatile("int3");  // NOLINT(hicpp-no-assembler)
    return {};
  });
  CAPTURE(ended.output);
  CHECK(ended.status == -SIGTRAP);
  CHECK(ended.output.starts_with("leash: a run of the sweep crashes: run it alone with LEASH_REPLAY=fine/"));
}
#endif

TEST_CASE("a run that exits says how to run it alone" * doctest::skip(leash_test::with_tsan)) {
  const Outcome ended = sweep_in_child([](const Context& context) -> Result<void> {
    if (!leash::fault::check(context, "exit", "a")) std::exit(3);
    return {};
  });
  CAPTURE(ended.output);
  CHECK(ended.output.starts_with("leash: a run of the sweep exits: run it alone with LEASH_REPLAY=exit/"));
  const Outcome at_once = sweep_in_child([](const Context&) { std::exit(3); });
  CHECK(at_once.output.starts_with("leash: a run of the sweep exits, though nothing has failed in it\n"));
}

TEST_CASE("a run that overruns its stack says how to run it alone" * doctest::skip(leash_test::with_tsan)) {
  const Outcome ended = sweep_in_child([](const Context& context) -> Result<void> {
    if (leash::fault::check(context, "fine", "a")) return {};
    return leash::fail("descend", std::to_string(descend(10'000'000)), std::errc::io_error);
  });
  CAPTURE(ended.output);
  CHECK(ended.status != 0);
  CHECK(ended.output.contains("leash: a run of the sweep crashes: run it alone with LEASH_REPLAY=fine/"));
}

TEST_CASE("a child of the body that exits is not the end of the run" * doctest::skip(leash_test::with_tsan)) {
  const Outcome ended = sweep_in_child([](const Context& context) -> Result<void> {
    const pid_t child = ::fork();
    if (child == 0) std::quick_exit(0);
    ::waitpid(child, nullptr, 0);
    return leash::fault::check(context, "fine", "a");
  });
  CHECK_FALSE(ended.output.contains("leash:"));
  CHECK(ended.status == 0);
}

TEST_CASE("a child that the body forks does not sweep on" * doctest::skip(leash_test::with_tsan)) {
  const Outcome ended = sweep_in_child([](const Context& context) -> Result<void> {
    if (!leash::fault::check(context, "fine", "a")) {
      const pid_t child = ::fork();
      if (child > 0) ::waitpid(child, nullptr, 0);
    }
    return {};
  });
  CHECK(ended.status == 0);
  CHECK(ended.output == "leash: a child that the body of a sweep has forked came back from the body: it ends here\n");
}

namespace {

/// Uses another object in its end.
struct User {
  explicit User(std::shared_ptr<std::string> text) : used(text.get()) {}
  User(const User&) = delete;
  User& operator=(const User&) = delete;
  ~User() { CHECK(*used == "still there"); }

  const std::string* used;
};

struct AbortsInItsEnd {
  AbortsInItsEnd() = default;
  AbortsInItsEnd(const AbortsInItsEnd&) = delete;
  AbortsInItsEnd& operator=(const AbortsInItsEnd&) = delete;
  ~AbortsInItsEnd() { std::abort(); }
};

}  // namespace

TEST_CASE("in an isolated run too, what was kept last is let go first" * doctest::skip(leash_test::with_tsan)) {
  const SweepResult result = leash::fault::sweep(
      [](const Context& context) {
        auto text = std::make_shared<std::string>("still there");
        leash::fault::keep_until_verdict(context, text);
        leash::fault::keep_until_verdict(context, std::make_shared<User>(text));
        text.reset();
        return leash::fault::check(context, "fine", "a");
      },
      isolated());
  CAPTURE(result);
  CHECK(result.ok());
}

TEST_CASE("what crashes behind the body of an isolated run is a finding" * doctest::skip(leash_test::with_tsan)) {
  const SweepResult result = leash::fault::sweep(
      [](const Context& context) -> Result<void> {
        if (leash::fault::check(context, "fine", "a")) return {};
        leash::fault::keep_until_verdict(context, std::make_shared<AbortsInItsEnd>());
        return leash::fail("fine", "a", std::errc::io_error);
      },
      isolated());
  CAPTURE(result);
  REQUIRE(result.groups.size() == 1);
  CHECK(result.groups[0].trouble == Trouble::died);
}

TEST_CASE("a body that closes all descriptors, as daemons do, is isolated all the same" *
          doctest::skip(leash_test::with_tsan)) {
  const pid_t parent = ::getpid();
  const auto body = [&](bool then_hangs) {
    return [parent, then_hangs](const Context& context) -> Result<void> {
      const bool fine = leash::fault::check(context, "fine", "a").has_value();
      if (::getpid() != parent) ::close_range(STDERR_FILENO + 1, ~0U, 0);
      while (then_hangs && !fine) ::pause();
      return {};
    };
  };
  const SweepResult well = leash::fault::sweep(body(false), isolated());
  CAPTURE(well);
  CHECK(well.ok());
  CHECK(well.runs == 3);
  const SweepResult hangs = leash::fault::sweep(body(true), isolated(1s));
  CAPTURE(hangs);
  REQUIRE_FALSE(hangs.groups.empty());
  CHECK(hangs.groups[0].trouble == Trouble::hung);
}

TEST_CASE("a run that crashes while a process lives that it has started is told at once, with the path" *
          doctest::skip(leash_test::with_tsan)) {
  const pid_t parent = ::getpid();
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const SweepResult result = leash::fault::sweep(
      [&](const Context& context) -> Result<void> {
        if (leash::fault::check(context, "fine", "dir/data.csv")) return {};
        if (::getpid() == parent) return {};
        if (::fork() == 0) {
          ::close(ends[1]);
          char byte = 0;
          static_cast<void>(::read(ends[0], &byte, 1));
          ::_exit(0);
        }
        std::abort();
      },
      isolated());
  ::close(ends[1]);
  ::close(ends[0]);
  CAPTURE(result);
  REQUIRE_FALSE(result.groups.empty());
  CHECK(result.groups[0].trouble == Trouble::died);
  CHECK(result.groups[0].examples[0].faults.starts_with("`fine dir/data.csv` at "));
}

TEST_CASE("a run that ends before what is to fail is not told to have failed there" *
          doctest::skip(leash_test::with_tsan)) {
  int run = 0;
  const SweepResult result = leash::fault::sweep(
      [&](const Context& context) -> Result<void> {
        if (++run == 3) std::abort();
        return leash::fault::check(context, "fine", "a");
      },
      isolated());
  CAPTURE(result);
  REQUIRE_FALSE(result.groups.empty());
  CHECK(result.groups[0].without_fault);
}

TEST_CASE("what a body throws behind its back ends the child, and not its parent's program a second time" *
          doctest::skip(leash_test::with_tsan)) {
  struct Silent : std::exception {
    const char* what() const noexcept override { return nullptr; }
  };
  const SweepResult silent = leash::fault::sweep(
      [](const Context& context) {
        if (!leash::fault::check(context, "fine", "a")) throw Silent();
      },
      isolated());
  CHECK(to_string(silent).contains("makes the body throw: an exception that does not say what it is"));
  struct ThrowsInItsEnd {
    // NOLINTNEXTLINE(bugprone-exception-escape)
    ~ThrowsInItsEnd() noexcept(false) { throw std::runtime_error("in the end"); }
  };
  const pid_t parent = ::getpid();
  const SweepResult thrown = leash::fault::sweep(
      [&](const Context& context) -> Result<void> {
        if (leash::fault::check(context, "fine", "a") || ::getpid() == parent) return {};
        leash::fault::keep_until_verdict(context, std::make_shared<ThrowsInItsEnd>());
        return {};
      },
      isolated());
  REQUIRE(::getpid() == parent);
  REQUIRE_FALSE(thrown.groups.empty());
  CHECK(thrown.groups[0].trouble == Trouble::died);
  CHECK(thrown.groups[0].what.contains("SIGABRT"));
}

TEST_CASE("what a sanitizer reports without an end is a finding" * doctest::skip(leash_test::with_tsan)) {
  const SweepResult result = leash::fault::sweep(
      [](const Context& context) -> Result<void> {
        if (leash::fault::check(context, "fine", "a")) return {};
        std::fputs("x.cpp:7:3: runtime error: signed integer overflow\n", stderr);
        return leash::fail("fine", "a", std::errc::io_error);
      },
      isolated());
  REQUIRE(result.groups.size() == 1);
  CHECK(result.groups[0].trouble == Trouble::reported);
  CHECK(to_string(result).contains("makes a sanitizer report: x.cpp:7:3: runtime error: signed integer overflow"));
}

TEST_CASE("where children are waited for elsewhere, a death is one, though it is not known which" *
          doctest::skip(leash_test::with_tsan)) {
  const Outcome outcome = in_child([] {
    std::signal(SIGCHLD, SIG_IGN);
    const SweepResult result = leash::fault::sweep(
        [](const Context& context) -> Result<void> {
          if (!leash::fault::check(context, "fine", "a")) std::_Exit(3);
          return {};
        },
        isolated());
    std::puts(to_string(result).c_str());
    return result.ok() ? 0 : 1;
  });
  CHECK(outcome.status == 1);
  CHECK(outcome.output.contains(
      "1 of 1 failing operation ends the process, which ends, and something else has waited for it"));
}

TEST_CASE("of a run that prints much and dies, the line that says why is told" * doctest::skip(leash_test::with_tsan)) {
  const SweepResult result = leash::fault::sweep(
      [](const Context& context) -> Result<void> {
        if (leash::fault::check(context, "fine", "a")) return {};
        for (int line = 0; line < 20'000; ++line) std::puts("a line of a log that nobody reads");
        std::fflush(stdout);
        std::fputs("x.cpp:1: runtime error: this is why\n", stderr);
        std::abort();
      },
      isolated());
  REQUIRE(result.groups.size() == 1);
  CHECK(result.groups[0].what.contains("x.cpp:1: runtime error: this is why"));
}
