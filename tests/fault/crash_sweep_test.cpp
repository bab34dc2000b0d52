#include <doctest/doctest.h>

#include <algorithm>
#include <leash/fault/plan.hpp>
#include <leash/fault/sweep.hpp>
#include <leash/fs/fault_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/fs/write_file.hpp>
#include <leash/fs/write_file_atomic.hpp>
#include <string>

using leash::Context;
using leash::Result;
using leash::fault::SweepGroup;
using leash::fault::SweepOptions;
using leash::fault::SweepResult;
using leash::fault::Trouble;
using leash::fs::FileSystem;
using leash::fs::MemoryFS;

namespace {

/// Only crashes, at whatever changes something or makes it last.
SweepOptions crashes() {
  SweepOptions options{.in_a_row = 1, .faults_per_run = 1};
  options.faults = {};
  options.faults.add_crashes();
  return options;
}

/// Saves by `save`, and looks at what a crash has left of it.
template <class Save>
SweepResult sweep_crashes(Save save) {
  const auto look = [](const Context&, FileSystem& left) -> Result<void> {
    const std::string content = leash::fs::read_file(Context(), left, "state").value_or("nothing");
    if (content == "old" || content == "new") return {};
    return leash::fail("look", "state", std::errc::io_error, "neither the old state nor the new");
  };
  return leash::fault::sweep(
      [=](const Context& context) {
        MemoryFS memory = MemoryFS::with({.crash_clones = true}, {{"state", "old"}});
        leash::fs::FaultFS faulty(memory, {.after_crash = look, .crash_clones = 20});
        leash::fs::TrackedFS files(faulty);
        return save(context, files);
      },
      crashes());
}

}  // namespace

TEST_CASE("whatever write_file_atomic is doing when the machine stops, the old content is there or the new") {
  const SweepResult result = sweep_crashes([](const Context& context, FileSystem& files) {
    return leash::fs::write_file_atomic(context, files, "state", "new");
  });
  CAPTURE(result);
  CHECK(result.ok());
  CHECK(result.points >= 5);
}

TEST_CASE("a sweep of crashes finds what is not written atomically") {
  const SweepResult result = sweep_crashes(
      [](const Context& context, FileSystem& files) { return leash::fs::write_file(context, files, "state", "new"); });
  const auto broken = std::ranges::find(result.groups, Trouble::broken, &SweepGroup::trouble);
  REQUIRE(broken != result.groups.end());
  CHECK(broken->what == "after a crash: look state: Input/output error (neither the old state nor the new)");
}

TEST_CASE("a sweep tells which points it has tried, with how many faults, and which only a fault leads to") {
  const SweepResult result = leash::fault::sweep([](const Context& context) -> Result<void> {
    if (leash::fault::check(context, "open", "a")) return {};
    return leash::fault::check(context, "stat", "a");
  });
  REQUIRE(result.coverage.size() == 2);
  CHECK(result.coverage[0].operation == "open");
  CHECK(result.coverage[0].tried == 2);
  CHECK_FALSE(result.coverage[0].after_fault);
  CHECK(result.coverage[1].operation == "stat");
  CHECK(result.coverage[1].tried == 1);
  CHECK(result.coverage[1].after_fault);
}

TEST_CASE("what is wrong after a crash is told by the operation too, also where a plan says when the machine stops") {
  MemoryFS memory = MemoryFS::with({.crash_clones = true}, {{"state", "old"}});
  const leash::fs::FaultFS::Options options{
      .after_crash = [](const Context&, FileSystem&) { return leash::fail("look", "state", std::errc::io_error); }};
  leash::fs::FaultFS files(memory, options);
  const leash::fault::Plan plan(leash::take(leash::fault::parse_rules("crash open")));
  const auto opened = files.open(with_plan(Context(), plan), "state");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().detail() == "injected: the machine stops; after a crash: look state: Input/output error");
}
