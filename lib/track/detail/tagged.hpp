#pragma once

#include <leash/config.hpp>
#include <leash/track/tag.hpp>
#include <utility>

namespace LEASH_NAMESPACE::track::detail {

/// The tag of a handle that passes its operations on to an inner one. It is the first base class, before the one that
/// owns the inner handle, and so is destroyed after that: at no moment is the inner handle's descriptor open without a
/// tag.
struct Tagged {
  explicit Tagged(Tag tag) noexcept : tag_(std::move(tag)) {}

  Tag tag_;
};

}  // namespace LEASH_NAMESPACE::track::detail
