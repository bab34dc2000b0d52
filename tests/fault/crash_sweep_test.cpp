#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <leash/fault/sweep.hpp>
#include <leash/fs/fault_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/fs/write_file.hpp>
#include <leash/fs/write_file_atomic.hpp>
#include <memory>
#include <string>

using leash::Context;
using leash::Result;
using leash::fault::Effect;
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
  for (const char* const each : {"open", "File::write", "File::sync", "File::close", "rename", "sync_dir"}) {
    options.faults.set(each, {{.effect = Effect::crash}});
  }
  return options;
}

/// Saves by `save`, and looks at what a crash has left of it.
template <class Save>
SweepResult sweep_crashes(std::uint64_t seed, Save save) {
  return leash::fault::sweep(
      [=](const Context& context) {
        MemoryFS memory = MemoryFS::with({.crash_clones = true});
        REQUIRE(leash::fs::write_file_atomic(Context(), memory, "state", "old"));
        std::unique_ptr<MemoryFS> left;
        leash::fs::FaultFS faulty(
            memory, {.on_crash = [&](const Context&) { left.reset(new MemoryFS(memory.crash_clone(seed))); }});
        leash::fs::TrackedFS files(faulty);
        const Result<void> saved = save(context, files);
        if (left) {
          const std::string content = leash::fs::read_file(Context(), *left, "state").value_or("nothing");
          leash::fault::expect(context, content == "old" || content == "new",
                               "a crash leaves the old state or the new");
        }
        return saved;
      },
      crashes());
}

}  // namespace

TEST_CASE("whatever write_file_atomic is doing when the machine stops, the old content is there or the new") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const SweepResult result = sweep_crashes(seed, [](const Context& context, FileSystem& files) {
      return leash::fs::write_file_atomic(context, files, "state", "new");
    });
    CAPTURE(result);
    CHECK(result.ok());
    CHECK(result.points >= 5);
  }
}

TEST_CASE("a sweep of crashes finds what is not written atomically") {
  const SweepResult result = sweep_crashes(1, [](const Context& context, FileSystem& files) {
    return leash::fs::write_file(context, files, "state", "new");
  });
  CHECK(std::ranges::count(result.groups, Trouble::broken, &SweepGroup::trouble) == 1);
}
