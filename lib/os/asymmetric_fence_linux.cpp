#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <leash/os/asymmetric_fence.hpp>

namespace LEASH_NAMESPACE::os {
namespace {

bool membarrier(int command) noexcept { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

/// While the program starts there is one thread, and the kernel registers it at once.
[[maybe_unused]] const bool registered = [] {
  const bool done = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
  kernel_fences.store(done, std::memory_order_release);
  return done;
}();

}  // namespace

constinit std::atomic<bool> kernel_fences{false};

void heavy_fence() noexcept {
  __sync_synchronize();
  if (kernel_fences.load(std::memory_order_acquire)) membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

}  // namespace LEASH_NAMESPACE::os
