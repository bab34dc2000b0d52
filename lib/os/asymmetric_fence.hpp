#pragma once

#include <atomic>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::os {

/// Whether `heavy_fence` makes every thread of the process fence, so that `light_fence` need not.
extern constinit std::atomic<bool> kernel_fences;

/// A pair of fences for two threads, of which one comes by often and the other seldom (C++ paper P1202, membarrier(2)):
/// either the one sees, behind its light fence, what the other wrote before its heavy fence; or the other sees, behind
/// its heavy fence, what the one wrote before its light fence; or both. The light one costs nothing on Linux.
inline void light_fence() noexcept {
  if (kernel_fences.load(std::memory_order_acquire)) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } else {
#if defined(__clang__)
    std::atomic_thread_fence(std::memory_order_seq_cst);
#else
    // GCC refuses the other under -fsanitize=thread.
    __sync_synchronize();
#endif
  }
}

void heavy_fence() noexcept;

}  // namespace LEASH_NAMESPACE::os
