#pragma once

#include <leash/config.hpp>
#include <leash/track/stack/unwind.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// A walk by the tables: where it began and all that is wanted, and where it is and what is still wanted.
struct TableWalk {
  Position begin;
  Output all;
  Position at;
  Output rest;
};

/// Goes on with a walk that was begun, in every case that there is, and looks up the rules that are not known. Returns
/// how many addresses were written in all.
std::size_t finish(const TableWalk& begun) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
