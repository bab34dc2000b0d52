#pragma once

#include <leash/fault/plan.hpp>
#include <leash/result.hpp>
#include <string_view>
#include <typeinfo>

inline leash::fault::Plan plan_of(std::string_view text) {
  return leash::fault::Plan(leash::take(leash::fault::parse_rules(text)));
}

/// What `object` is, of what it is declared to be or derived from that.
template <class Object>
const std::type_info& dynamic_type(const Object& object) {
  return typeid(object);
}
