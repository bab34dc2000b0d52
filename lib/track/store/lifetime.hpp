#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/happens_before.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// Says when a tracker can be destroyed: once its handles are gone and no tag remains. While there are handles, no tag
/// is counted here: the shards know how many there are. `handles_gone` adds that number, and from then on every tag
/// that is created or ends is counted.
class Lifetime {
 public:
  /// The last handle is gone, and `tags` tags remained when the shards were disowned. True if none is left by now: the
  /// caller then destroys the tracker.
  [[nodiscard]] bool handles_gone(std::uint64_t tags) noexcept {
    return add(static_cast<std::int64_t>(tags) - handles_bias);
  }

  /// A tag was created in a shard that is disowned (as a child or sibling of one that remains).
  void tag_created() noexcept { remaining_.fetch_add(1, std::memory_order_relaxed); }

  /// A tag of a disowned shard ended. True if it was the last one: the caller then destroys the tracker. Another thread
  /// may call this before `handles_gone`: it gets false.
  [[nodiscard]] bool tag_ended() noexcept { return add(-1); }

 private:
  /// What `remaining_` holds on behalf of the handles: more than there can be tags, so that it is not 0 before
  /// `handles_gone`.
  static constexpr std::int64_t handles_bias = std::int64_t{1} << 48U;

  /// Whether `remaining_` is 0 after `change` was added to it.
  bool add(std::int64_t change) noexcept {
    os::happens_before(&remaining_);
    if (remaining_.fetch_add(change, std::memory_order_acq_rel) + change != 0) return false;
    os::happens_after(&remaining_);
    return true;
  }

  std::atomic<std::int64_t> remaining_{handles_bias};
};

}  // namespace LEASH_NAMESPACE::track::detail
