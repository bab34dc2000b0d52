#pragma once

#include <leash/config.hpp>
#include <leash/track/report.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// What the report says is wrong with the resources of `group`: "3 connections not closed". `verdict` is that of its
/// Report: without a verdict, leaked resources are "open", not "not closed".
std::string what_is_wrong(const Group& group, bool verdict);

/// How to fix what the group's rule found, in a sentence that names the kind of resource: "call close() on the
/// connection on every path, or let its owner end". Without a full stop.
std::string advice(const Group& group);

/// The words after the time in "last used at svc.cpp:12, 40 ms before it was dropped": they name the event that `rule`
/// is about. "ago" if the time counts back from the report.
std::string_view before_what(Rule rule);

}  // namespace LEASH_NAMESPACE::track::detail
