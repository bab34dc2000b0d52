#pragma once

#include <leash/config.hpp>
#include <leash/track/stack/unwind.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// A walk by the tables that is under way.
struct TableWalk {
  Position begin;  // where it began
  Output all;      // what was wanted there
  Position at;     // where it is now
  Output rest;     // what is still wanted
};

/// Goes on with a walk from `begun.at` to its end, through frames of every kind, and looks up the rules that are not in
/// the cache. Walks again from `begun.begin` if it finds that rules were out of date, because a library was unloaded.
/// Returns how many addresses the whole walk wrote.
std::size_t finish_walk(const TableWalk& begun) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
