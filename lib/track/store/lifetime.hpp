#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/happens_before.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// What a tracker lives for: first its handles, then the tags that outlive them. While there are handles no tag is
/// counted here, for the shards know them; from `handles_gone` on each is.
class Lifetime {
 public:
  /// The last handle is gone, and `tags` tags remain. True if that is the end: the caller destroys the tracker.
  [[nodiscard]] bool handles_gone(std::uint64_t tags) noexcept {
    return add(static_cast<std::int64_t>(tags) - held_by_handles);
  }

  /// After `handles_gone`, or during it: a tag was made by one of those that remain; or one ended. True as above.
  void tag_begins() noexcept { remaining_.fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] bool tag_ended() noexcept { return add(-1); }

 private:
  /// More than there can be tags.
  static constexpr std::int64_t held_by_handles = std::int64_t{1} << 48U;

  bool add(std::int64_t change) noexcept {
    os::happens_before(&remaining_);
    if (remaining_.fetch_add(change, std::memory_order_acq_rel) + change != 0) return false;
    os::happens_after(&remaining_);
    return true;
  }

  std::atomic<std::int64_t> remaining_{held_by_handles};
};

}  // namespace LEASH_NAMESPACE::track::detail
