#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::os {

/// Guards what a thread remembers for itself from the thread's signal handlers, which may come in between any two
/// instructions, and read and change it too. Whoever reads takes the revision before, and believes what was read only
/// if it is the same afterwards; whoever changes leaves it alone if it is not. Not for what several threads share.
///
/// A handler that leaves by a jump while a change is going on ends the thread's remembering for good, since nothing
/// tells that from a change that will go on.
class Revision {
 public:
  /// The revision that is read from now on.
  [[nodiscard]] std::uint64_t get() const noexcept {
    const std::uint64_t revision = word_.load(std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return revision;
  }

  /// Whether a change was going on, so that what there is does not belong together.
  [[nodiscard]] static bool is_changing(std::uint64_t revision) noexcept { return revision % 2 != 0; }

  /// Whether what was read since `get` gave `revision`, which is not changing, belongs together.
  [[nodiscard]] bool is_still(std::uint64_t revision) const noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return word_.load(std::memory_order_relaxed) == revision;
  }

  /// Begins a change of that revision, unless another came before. Returns whether it did; then `end_change` must be
  /// called. No signal handler changes anything in between.
  [[nodiscard]] bool begin_change(std::uint64_t revision) noexcept {
    if (is_changing(revision)) return false;
#ifdef __x86_64__
    // In one instruction, but not locked: that would be for other threads, and take ten times as long.
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
  // Odd while a change is going on.
  std::atomic<std::uint64_t> word_{0};
};

}  // namespace LEASH_NAMESPACE::os
