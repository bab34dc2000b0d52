#pragma once

#include <leash/config.hpp>
#include <leash/track/store/places.hpp>
#include <optional>

namespace LEASH_NAMESPACE::track::detail {

/// The descriptors that leash gave away, so that the rule `untracked` can say where those come from that stay open. All
/// functions are thread-safe.

/// While one lives, releases are noted: for a tracker that judges descriptors.
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

/// `number` is the caller's of `release` from now on, who may already have closed it. Does nothing where no one
/// watches, or where there is no memory for it.
void note_release(int number, const Release& release) noexcept;

/// The release of the descriptor that now has `number`, unless that is another one by now: see `OpenFile`.
std::optional<Release> release_of(int number) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
