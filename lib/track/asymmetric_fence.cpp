#include <leash/track/detail/asymmetric_fence.hpp>

#ifdef __linux__
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace LEASH_NAMESPACE::track::detail {
namespace {

#ifdef __linux__
bool membarrier(int command) noexcept { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

bool register_process() noexcept { return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED); }
bool fence_all() noexcept { return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED); }
#else
bool register_process() noexcept { return false; }
bool fence_all() noexcept { return false; }
#endif

/// While the program starts there is one thread, and the kernel registers it at once.
[[maybe_unused]] const bool registered = [] {
  const bool done = register_process();
  kernel_fences.store(done, std::memory_order_release);
  return done;
}();

}  // namespace

constinit std::atomic<bool> kernel_fences{false};

void heavy_fence() noexcept {
  __sync_synchronize();
  if (kernel_fences.load(std::memory_order_acquire)) static_cast<void>(fence_all());
}

}  // namespace LEASH_NAMESPACE::track::detail
