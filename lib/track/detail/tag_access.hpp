#pragma once

#include <leash/config.hpp>
#include <leash/track/request.hpp>
#include <leash/track/store/places.hpp>
#include <leash/track/store/record.hpp>
#include <leash/track/tag.hpp>
#include <utility>

#if LEASH_TRACKING

namespace LEASH_NAMESPACE::track::detail {

/// Takes tags out of their Tag, for who keeps them in atomics, and places out of their Request.
struct TagAccess {
  static Record* take(Tag tag) noexcept { return std::exchange(tag.record_, nullptr); }
  static Tag tag_of(Record* record) noexcept { return Tag(record); }
  static Place place_of(Request request) noexcept { return Place::from_bits(request.place_); }
};

}  // namespace LEASH_NAMESPACE::track::detail

#endif
