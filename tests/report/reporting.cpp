#include <unistd.h>

#include <cstdlib>
#include <leash/track/doctest.hpp>
#include <leash/track/kind.hpp>
#include <leash/track/tracker.hpp>

// What at_exit_test.cpp runs: two tests that leak at the same place, one that does not, and what the process has open.

namespace {

constexpr leash::track::Kind file{"file", "files"};

leash::track::Tag open_file(const leash::Context& ctx) {
  return leash::track::acquire(ctx, {.kind = file, .name = "a"});
}

/// Of the process, before main.
const leash::track::Tag early = open_file(with_tracker(leash::Context(), leash::track::process_tracker()));

}  // namespace

TEST_CASE("goes elsewhere") {
  REQUIRE(::chdir("/") == 0);
  REQUIRE(::unsetenv("LEASH_REPORT") == 0);
}

TEST_CASE("leaks twice") {
  for (int time = 0; time < 2; ++time) {
    static leash::track::Tag kept[2];
    const leash::track::DoctestTracker tracker;
    kept[time] = open_file(tracker.context());
  }
}

TEST_CASE("leaks nothing") {
  const leash::track::DoctestTracker tracker;
  open_file(tracker.context()).close();
}

TEST_CASE("of the process") {
  static leash::track::Tag kept = leash::track::process_tracker().create({.kind = file, .name = "b"});
}
