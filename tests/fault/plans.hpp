#pragma once

#include <leash/fault/plan.hpp>
#include <leash/result.hpp>
#include <string_view>
#include <typeinfo>

inline leash::fault::Plan plan_of(std::string_view text) {
  return leash::fault::Plan(leash::take(leash::fault::parse_rules(text)));
}

/// Whether two handles are of one class: nothing stands before the one of them that does not before the other.
template <class Handle>
bool same_type(const Handle& a, const Handle& b) {
  return typeid(a) == typeid(b);
}
