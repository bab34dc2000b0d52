#pragma once

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/track/tracker.hpp>

namespace LEASH_NAMESPACE::track {

// Where every test of a program has a tracker of its own, by one line in one of its sources:
//
//     #include <leash/track/every_test_doctest.hpp>   // or every_test_gtest.hpp, every_test_catch2.hpp
//     LEASH_TRACK_EVERY_TEST();

/// A Context that carries the tracker of the test that is running, whichever thread asks. While no test is running, and
/// without that line, it carries the tracker of the process, which judges nothing.
[[nodiscard]] Context this_test();

/// The tracker of `this_test()`, for code that has no Context: `TrackedFS files(inner, {.fallback =
/// this_test_tracker()})`. What is opened with it after the test has ended is refused (`errc::tracker_closed`).
[[nodiscard]] Tracker this_test_tracker();

}  // namespace LEASH_NAMESPACE::track
