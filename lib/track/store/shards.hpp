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

/// The shards of one tracker: one for each thread that made a record for it, and one for the threads without an index.
/// Once made, a shard stays. Thread-safe, without locks.
class Shards {
 public:
  Shards() = default;
  Shards(const Shards&) = delete;
  Shards& operator=(const Shards&) = delete;
  ~Shards();

  /// The shard of the thread with this index, which is made if need be. Throws `std::bad_alloc`.
  Shard& at(Lifetime& tracker, std::uint32_t index);

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

  /// Ends the owner's privilege in every shard, also in those that are still to be made; for the thread with the index
  /// `own`, once. Returns how many records are in use.
  std::uint64_t disown(std::uint32_t own) noexcept;

  /// Waits for all others than the thread with the index `own` that are making a record. Whoever begins later sees what
  /// that thread wrote before.
  void wait_for_turns(std::uint32_t own) const noexcept;

 private:
  static constexpr std::size_t first_count = 8;
  static constexpr std::size_t blocks = 9;
  static_assert(first_count << blocks == os::most_thread_indexes + 1);
  using Pointer = std::atomic<Shard*>;

  Pointer& pointer_at(std::uint32_t index);

  std::atomic<bool> disowned_{false};
  std::array<Pointer, first_count> first_{};
  std::array<std::atomic<Pointer*>, blocks> more_{};  ///< Each twice as long as the one before.
};

}  // namespace LEASH_NAMESPACE::track::detail
