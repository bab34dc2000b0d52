#pragma once

#include <leash/fault/plan.hpp>
#include <leash/result.hpp>
#include <string_view>

inline leash::fault::Plan plan_of(std::string_view text) {
  return leash::fault::Plan(leash::take(leash::fault::parse_rules(text)));
}
