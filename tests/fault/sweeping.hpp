#pragma once

#include <leash/fault/plan.hpp>
#include <leash/fault/sweep.hpp>
#include <stdexcept>

/// What the test programs of the frameworks sweep.
inline leash::Result<void> good_body(const leash::Context& context) {
  return leash::fault::check(context, "open", "a.csv");
}

inline leash::Result<void> bad_body(const leash::Context& context) {
  if (!leash::fault::check(context, "open", "a.csv")) throw std::runtime_error("nobody caught it");
  return {};
}
