#pragma once

#include <leash/config.hpp>
#include <leash/track/store/record.hpp>
#include <leash/track/tag.hpp>
#include <utility>

#if LEASH_TRACKING

namespace LEASH_NAMESPACE::track::detail {

/// Takes tags out of their Tag, for who keeps them in atomics.
struct TagAccess {
  static Record* take(Tag tag) noexcept { return std::exchange(tag.record_, nullptr); }
  static Tag tag_of(Record* record) noexcept { return Tag(record); }
};

}  // namespace LEASH_NAMESPACE::track::detail

#endif
