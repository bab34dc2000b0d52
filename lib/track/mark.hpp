#pragma once

#include <leash/config.hpp>
#include <memory>
#include <utility>

namespace LEASH_NAMESPACE::track {

namespace detail {
class TrackerState;
struct Moment;
}  // namespace detail

/// A moment in the life of a tracker, which divides what was opened before it from what was opened after it: see
/// `Tracker::mark`. A small immutable value; a copy costs one reference count. It may outlive its tracker.
class Mark {
 public:
  /// The beginning of any tracker.
  Mark() noexcept = default;

 private:
  friend class detail::TrackerState;
  explicit Mark(std::shared_ptr<const detail::Moment> moment) noexcept : moment_(std::move(moment)) {}

  std::shared_ptr<const detail::Moment> moment_;
};

}  // namespace LEASH_NAMESPACE::track
