#pragma once

#include <leash/config.hpp>
#include <leash/track/tag.hpp>
#include <utility>

namespace LEASH_NAMESPACE::track::detail {

/// The tag of a handle that passes its operations on to an inner one. A base, before the one that owns the inner
/// handle: so the tag ends after the inner handle has gone, and who looks in between finds no descriptor without a tag.
struct Tagged {
  explicit Tagged(Tag tag) noexcept : tag_(std::move(tag)) {}

  Tag tag_;
};

}  // namespace LEASH_NAMESPACE::track::detail
