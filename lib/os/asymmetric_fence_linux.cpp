#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <leash/os/asymmetric_fence.hpp>

namespace LEASH_NAMESPACE::os {
namespace {

bool membarrier(int command) noexcept { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

/// Registers the process while it is being loaded, when it usually has one thread: the kernel then has no other thread
/// to wait for.
[[maybe_unused]] const bool registered = [] {
  const bool done = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
  heavy_fence_reaches_all.store(done, std::memory_order_release);
  return done;
}();

}  // namespace

constinit std::atomic<bool> heavy_fence_reaches_all{false};

void heavy_fence() noexcept {
  __sync_synchronize();
  if (heavy_fence_reaches_all.load(std::memory_order_acquire)) membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

}  // namespace LEASH_NAMESPACE::os
