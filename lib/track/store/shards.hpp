#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/thread_index.hpp>
#include <leash/track/store/shard.hpp>
#include <leash/track/store/this_thread.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// The shards of one tracker: one for each thread index that opened a record for it, and one, at index 0, for the
/// threads without an index. Once made, a shard stays until the tracker is destroyed. Thread-safe, without locks.
class Shards {
 public:
  Shards() = default;
  Shards(const Shards&) = delete;
  Shards& operator=(const Shards&) = delete;
  ~Shards();

  /// The shard of the thread with this index, made if there is none. Throws `std::bad_alloc`.
  Shard& at(Lifetime& tracker, std::uint32_t index);

  /// Calls `function(shard)` for each shard.
  template <class Function>
  void each(Function function) const {
    const auto visit = [&](const Pointer& pointer) {
      if (Shard* const shard = pointer.load(); shard != nullptr) function(*shard);
    };
    for (const Pointer& pointer : first_) visit(pointer);
    for (std::size_t block = 0; block < more_.size(); ++block) {
      const Pointer* const pointers = more_[block].load();
      if (pointers == nullptr) continue;
      for (std::size_t at = 0; at < first_count << block; ++at) visit(pointers[at]);
    }
  }

  /// Takes all shards from their owners (see `Shard::finish_disown`), also those that are made later. Called once, by
  /// the thread with the index `own`. Returns how many records are in use.
  std::uint64_t disown(std::uint32_t own) noexcept;

  /// Called by the thread with the index `own`: waits until every other thread that is taking or freeing a record now
  /// has left the shard. A thread that enters a shard later sees what the caller wrote before.
  void wait_for_holders(std::uint32_t own) const noexcept;

 private:
  static constexpr std::size_t first_count = 8;
  static constexpr std::size_t blocks = 9;
  static_assert(first_count << blocks == os::most_thread_indexes + 1);
  using Pointer = std::atomic<Shard*>;

  Pointer& pointer_at(std::uint32_t index);

  std::atomic<bool> disowned_{false};
  std::array<Pointer, first_count> first_{};          ///< For the indexes below `first_count`.
  std::array<std::atomic<Pointer*>, blocks> more_{};  ///< `more_[i]` has `first_count << i`, from that index on.
};

}  // namespace LEASH_NAMESPACE::track::detail
