#pragma once

#include <leash/config.hpp>
#include <memory>
#include <utility>

namespace LEASH_NAMESPACE::track {

namespace detail {
class TrackerState;
struct Moment;
}  // namespace detail

/// A point in time of a tracker, which tells what was opened after it from what was opened before: see `Tracker::mark`.
/// An immutable value; a copy costs one reference count. It may outlive its tracker.
class Mark {
 public:
  /// Stands for the beginning, with every tracker.
  Mark() noexcept = default;

 private:
  friend class detail::TrackerState;
  explicit Mark(std::shared_ptr<const detail::Moment> moment) noexcept : moment_(std::move(moment)) {}

  std::shared_ptr<const detail::Moment> moment_;
};

}  // namespace LEASH_NAMESPACE::track
