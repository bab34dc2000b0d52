#pragma once

#include <leash/config.hpp>
#include <leash/track/report.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// What is the matter with the group: "3 connections not closed". `verdict`: see Report.
std::string what_is_wrong(const Group& group, bool verdict);

/// What a reader may do about it, by the verb and the kind: "call close() on the connection on every path, or let its
/// owner end". Without a full stop.
std::string advice(const Group& group);

/// What the last use of the group's resources came before, if not now: "before it was dropped", else "ago".
std::string_view before_what(Rule rule);

}  // namespace LEASH_NAMESPACE::track::detail
