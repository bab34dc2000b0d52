#pragma once

#include <atomic>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::os {

/// Whether `heavy_fence` makes every thread of the process fence (the kernel does it, by membarrier(2)), so that
/// `light_fence` need not.
extern constinit std::atomic<bool> heavy_fence_reaches_all;

/// An asymmetric pair of fences (C++ paper P1202, membarrier(2)), for two threads of which one is on a fast path:
///
///     fast thread: store X, light_fence(), load Y
///     slow thread: store Y, heavy_fence(), load X
///
/// At least one of the two loads sees what the other thread stored. On Linux the light fence only keeps the compiler
/// from reordering; the heavy one is a system call.
[[gnu::always_inline]] inline void light_fence() noexcept {
  if (heavy_fence_reaches_all.load(std::memory_order_acquire)) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } else {
#if defined(__clang__)
    std::atomic_thread_fence(std::memory_order_seq_cst);
#else
    // GCC warns about `std::atomic_thread_fence` under -fsanitize=thread.
    __sync_synchronize();
#endif
  }
}

/// The slow thread's side: see `light_fence`.
void heavy_fence() noexcept;

}  // namespace LEASH_NAMESPACE::os
