#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <leash/clock.hpp>
#include <leash/fault/plan.hpp>
#include <leash/fault/sweep.hpp>
#include <leash/fs/fault_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/fs/write_file.hpp>
#include <leash/try.hpp>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "sanitizers.hpp"
#include "track/child.hpp"

// Several runs of a sweep at once.

using leash::Context;
using leash::Result;
using leash::fault::check;
using leash::fault::sweep;
using leash::fault::SweepOptions;
using leash::fault::SweepResult;

namespace {

/// Copies files one after the other, forgets one that cannot be read, and tries to open each twice.
Result<void> copy_all(const Context& context) {
  struct Built {
    leash::fs::MemoryFS memory{{"a", "1"}, {"b", "2"}, {"c", "3"}};
    leash::fs::FaultFS faulty{memory};
    leash::fs::TrackedFS files{faulty};
    std::vector<std::unique_ptr<leash::fs::File>> forgotten;
  };
  auto built = std::make_shared<Built>();
  leash::fault::keep_until_verdict(context, built);
  for (const char* const name : {"a", "b", "c"}) {
    auto file = built->files.open(context, name);
    if (!file) file = built->files.open(context, name);
    if (!file) return std::unexpected(file.error());
    std::array<std::byte, 8> buffer{};
    const auto size = (*file)->read(buffer);
    if (!size) {
      built->forgotten.push_back(std::move(*file));
      return std::unexpected(size.error());
    }
    LEASH_TRY((*file)->close());
    const std::string_view content(reinterpret_cast<const char*>(buffer.data()), *size);
    LEASH_TRY(leash::fs::write_file(context, built->files, std::string(name) + ".copy", content));
  }
  return {};
}

/// All of a result but how long it took, and how old was what it found.
std::string without_times(const SweepResult& result) {
  std::string text = std::to_string(result.points) + ' ' + std::to_string(result.points_after_faults) + ' ' +
                     std::to_string(result.runs) + ' ' + std::to_string(result.pruned) + '\n';
  for (const auto& point : result.coverage) {
    text += point.operation + ' ' + std::to_string(point.place.line()) + ' ' + std::to_string(point.occurrence) + ' ' +
            std::to_string(point.tried) + '\n';
  }
  for (const auto& group : result.groups) {
    text += std::to_string(group.operations) + ' ' + std::to_string(group.runs) + ' ' + group.what + '\n';
    for (const auto& example : group.examples) text += example.faults + '\n' + example.token + '\n';
  }
  return text;
}

/// Waits until another run is here at the same time, or this one is told that it lasts too long.
Result<void> meet(const Context& context, std::atomic<int>& here) {
  ++here;
  while (here < 2 && !context.done()) std::this_thread::yield();
  return context.check("meet", "another run");
}

SweepOptions two_at_once() {
  SweepOptions options{.in_a_row = 1, .faults_per_run = 1, .jobs = 2};
  options.faults.set("open", {{}, {}});
  return options;
}

}  // namespace

TEST_CASE("the result is the same, however many runs are under way") {
  const SweepResult one = sweep(copy_all);
  CAPTURE(one);
  if constexpr (leash::tracking_enabled) {
    CHECK_FALSE(one.ok());
    CHECK(one.pruned > 0);
  }
  for (const unsigned jobs : {0U, 2U, 7U}) {
    CAPTURE(jobs);
    CHECK(without_times(sweep(copy_all, {.jobs = jobs})) == without_times(one));
  }
}

TEST_CASE("runs are under way at the same time") {
  std::atomic<int> here = 0;
  const SweepResult result =
      sweep([&](const Context& context) { return check(context, "open", "a") ? Result<void>() : meet(context, here); },
            two_at_once());
  CAPTURE(result);
  CHECK(here == 2);
  CHECK(result.runs == 4);
  CHECK(std::ranges::none_of(result.groups,
                             [](const auto& group) { return group.trouble == leash::fault::Trouble::hung; }));
}

TEST_CASE("isolated runs are under way at the same time, in children" * doctest::skip(leash_test::with_tsan)) {
  void* const shared =
      ::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  auto& here = *new (shared) std::atomic<int>(0);
  SweepOptions options = two_at_once();
  options.isolate = true;
  const pid_t parent = ::getpid();
  const SweepResult result = sweep(
      [&](const Context& context) -> Result<void> {
        if (check(context, "open", "a") || ::getpid() == parent) return {};
        if (!meet(context, here)) std::abort();
        return {};
      },
      options);
  CAPTURE(result);
  CHECK(here == 2);
  CHECK(result.ok());
  CHECK(result.runs == 4);
  ::munmap(shared, sizeof(std::atomic<int>));
}

namespace {

/// A sweep with two runs at once, in a process of its own. The one ends the process once the other is there.
template <class End>
Outcome two_runs_one_ends(End end) {
  return in_child([&] {
    std::signal(SIGABRT, SIG_DFL);
    std::atomic<int> here = 0;
    SweepOptions options = two_at_once();
    options.faults.set("open", {{}});
    options.faults.set("close", {{}});
    const SweepResult result = sweep(
        [&](const Context& context) {
          const bool opened = check(context, "open", "a").has_value();
          const bool closed = check(context, "close", "a").has_value();
          if (opened && closed) return;
          ++here;
          while (here < 2) std::this_thread::yield();
          if (!closed) end();
          for (;;) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        },
        options);
    return result.ok() ? 0 : 1;
  });
}

}  // namespace

TEST_CASE("of several runs the one is told that crashes" * doctest::skip(leash_test::with_tsan)) {
  const Outcome ended = two_runs_one_ends([] { std::abort(); });
  CAPTURE(ended.output);
  CHECK(ended.status == -SIGABRT);
  CHECK(ended.output.starts_with("leash: a run of the sweep crashes: run it alone with LEASH_REPLAY=close/"));
  CHECK(std::ranges::count(ended.output, '\n') == 1);
}

TEST_CASE("all runs are told if a thread crashes that is of none" * doctest::skip(leash_test::with_tsan)) {
  const Outcome ended = two_runs_one_ends([] { std::jthread([] { std::abort(); }).join(); });
  CAPTURE(ended.output);
  CHECK(ended.status == -SIGABRT);
  constexpr std::string_view begin = "leash: a run of the sweep crashes, this one or another: run it alone with ";
  CHECK(ended.output.contains(std::string(begin) + "LEASH_REPLAY=close/"));
  CHECK(ended.output.contains(std::string(begin) + "LEASH_REPLAY=open/"));
}

TEST_CASE("a child that prints much before its turn does not hang" * doctest::skip(leash_test::with_tsan)) {
  SweepOptions options{
      .in_a_row = 1, .faults_per_run = 1, .watchdog = std::chrono::seconds(3), .isolate = true, .jobs = 5};
  for (const char* const each : {"a", "b", "c"}) options.faults.set(each, {{}});
  const pid_t parent = ::getpid();
  const SweepResult result = sweep(
      [parent](const Context& context) -> Result<void> {
        for (const char* const each : {"a", "b", "c"}) static_cast<void>(check(context, each, "x"));
        if (::getpid() == parent) return {};
        for (int line = 0; line < 10'000; ++line) std::puts("a line of a log that nobody reads");
        std::this_thread::sleep_for(std::chrono::milliseconds(800));
        return {};
      },
      options);
  CAPTURE(result);
  CHECK(result.runs == 5);
  CHECK(std::ranges::none_of(result.groups,
                             [](const auto& group) { return group.trouble == leash::fault::Trouble::hung; }));
}

TEST_CASE("runs that would see each other are made one at a time, and that is told") {
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  const auto body = [&](const Context& context) {
    most = std::max(most.load(), ++inside);
    static_cast<void>(check(context, "open", "a"));
    std::this_thread::yield();
    --inside;
  };
  SweepOptions options = two_at_once();
  options.tracker.rules.untracked = leash::track::Severity::failure;
  const SweepResult untracked = sweep(body, options);
  REQUIRE(untracked.remarks.size() >= 1);
  CHECK(untracked.remarks[0] ==
        "runs were made one at a time: the rule untracked looks at the descriptors of the whole process");
  SweepOptions clocked = two_at_once();
  clocked.context = Context().with_clock(std::make_shared<leash::FakeClock>());
  const SweepResult fake = sweep(body, clocked);
  REQUIRE(fake.remarks.size() >= 1);
  CHECK(fake.remarks[0] == "runs were made one at a time: they would share the clock of SweepOptions::context");
  CHECK(most == 1);
}

TEST_CASE("no more runs are begun than the budget has") {
  std::atomic<int> calls = 0;
  SweepOptions options{.max_runs = 3, .jobs = 4};
  for (const char* const each : {"a", "b", "c"}) options.faults.set(each, {{}, {}});
  const SweepResult result = sweep(
      [&](const Context& context) {
        ++calls;
        for (const char* const each : {"a", "b", "c"}) static_cast<void>(check(context, each, "x"));
      },
      options);
  CHECK(result.runs == 3);
  CHECK(calls == 3);
}
