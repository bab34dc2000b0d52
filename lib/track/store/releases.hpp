#pragma once

#include <leash/config.hpp>
#include <leash/track/store/places.hpp>
#include <optional>

namespace LEASH_NAMESPACE::track::detail {

/// Which descriptors leash gave away by `release`, so that the rule `untracked` can say where those that stay open come
/// from. All functions are thread-safe.

/// While one exists, `note_release` stores releases. A tracker whose rule `untracked` is on has one.
class ReleaseWatch {
 public:
  ReleaseWatch() noexcept;
  ReleaseWatch(const ReleaseWatch&) = delete;
  ReleaseWatch& operator=(const ReleaseWatch&) = delete;
  ~ReleaseWatch();
};

struct Release {
  Place opened;
  Place released;
};

/// Stores that leash gave away the descriptor `number`, which its new owner may already have closed. Does nothing if
/// there is no ReleaseWatch, or no memory.
void note_release(int number, const Release& release) noexcept;

/// How leash gave away the descriptor that now has `number`; none if it did not, as far as `os::OpenFile` tells two
/// descriptors with the same number apart.
std::optional<Release> release_of(int number) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
