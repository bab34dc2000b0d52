#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::os {

/// A sequence lock between a thread and its own signal handlers, for data that only this thread uses. A handler may
/// interrupt the thread between any two instructions, and reads and changes the data too. It is not for data that
/// several threads share.
///
///     read:   take `get()`, read the data, and use it only if `is_still(revision)`.
///     change: take `get()`, work out the new data, and write it only if `begin_change(revision)`; then `end_change()`.
///
/// If a handler interrupts a change and leaves by longjmp, the revision stays odd: from then on the thread can neither
/// read nor change the data, because this looks like a change that will be completed.
class Revision {
 public:
  /// The current revision. To be taken before the data is read.
  [[nodiscard]] std::uint64_t get() const noexcept {
    const std::uint64_t revision = word_.load(std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return revision;
  }

  /// Whether `revision` was taken during a change: the data is then inconsistent.
  [[nodiscard]] static bool is_changing(std::uint64_t revision) noexcept { return revision % 2 != 0; }

  /// Whether nothing has changed since `get` returned `revision`: what was read since is consistent, provided that
  /// `revision` was not taken during a change.
  [[nodiscard]] bool is_still(std::uint64_t revision) const noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return word_.load(std::memory_order_relaxed) == revision;
  }

  /// Begins a change, if nothing has changed since `get` returned `revision` and no change was under way then. Returns
  /// whether it did: then the caller writes the data and calls `end_change`, and signal handlers leave the data alone
  /// until it does.
  [[nodiscard]] bool begin_change(std::uint64_t revision) noexcept {
    if (is_changing(revision)) return false;
#ifdef __x86_64__
    // One instruction, which a signal cannot split. Without the lock prefix, which would be for other threads and makes
    // it about ten times as slow.
    bool begun = false;            // NOLINT(misc-const-correctness): written by the instruction
    asm volatile("cmpxchg %3, %1"  // NOLINT(hicpp-no-assembler)
                 : "=@cce"(begun), "+m"(word_), "+a"(revision)
                 : "r"(revision + 1)
                 : "memory");
    return begun;
#else
    return word_.compare_exchange_strong(revision, revision + 1, std::memory_order_acq_rel);
#endif
  }

  void end_change() noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    word_.store(word_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

 private:
  /// Goes up by one when a change begins and when it ends, so is odd during a change.
  std::atomic<std::uint64_t> word_{0};
};

}  // namespace LEASH_NAMESPACE::os
