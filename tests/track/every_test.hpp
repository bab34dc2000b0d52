#pragma once

#include <leash/track/this_test.hpp>
#include <thread>
#include <vector>

// What the tests do whose programs this_test_test.cpp runs.

namespace every_test {

inline constexpr leash::track::Kind file{"file", "files"};

inline leash::track::Tag open_file(const leash::Context& ctx) {
  return leash::track::acquire(ctx, {.kind = file, .name = "a"});
}

inline std::vector<leash::track::Tag>& kept() {
  static std::vector<leash::track::Tag> tags;
  return tags;
}

inline void close_all() { open_file(leash::track::this_test()).close(); }

inline void leak() { kept().push_back(open_file(leash::track::this_test())); }

inline void leak_in_a_thread() {
  std::thread([] {
    leash::track::Tracker tracker = leash::track::this_test_tracker();
    kept().push_back(tracker.create({.kind = file, .name = "b"}));
  }).join();
}

/// Opened before any test runs.
inline const leash::track::Tag of_the_program = open_file(leash::track::this_test());

}  // namespace every_test
