#include <doctest/doctest.h>

#include <leash/track/doctest.hpp>
#include <leash/track/tracker.hpp>
#include <optional>
#include <stdexcept>

#include "kinds.hpp"

using leash::track::DoctestTracker;
using leash::track::Tag;

TEST_CASE("closes") {
  const DoctestTracker tracker;
  Tag tag = leash::track::acquire(tracker.context(), {slot, "closed"});
  tag.close();
}

TEST_CASE("leaks") {
  std::optional<Tag> kept;
  const DoctestTracker tracker;
  kept = leash::track::acquire(tracker.context(), {slot, "kept"});
}

TEST_CASE("throws and leaks") {
  std::optional<Tag> kept;
  const DoctestTracker tracker;
  kept = leash::track::acquire(tracker.context(), {slot, "kept"});
  throw std::runtime_error("the test's own exception");
}

TEST_CASE("closes too") {
  const DoctestTracker tracker;
  {
    // A note is no failure.
    Tag failed = leash::track::acquire(tracker.context(), {slot, "failed", -1, leash::track::OnDrop::error_lost});
    failed.set_failed();
  }
  leash::track::acquire(tracker.context(), {slot, "closed"}).close();
}
