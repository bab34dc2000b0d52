#include <pthread.h>

#include <leash/track/detail/fork.hpp>

namespace LEASH_NAMESPACE::track::detail {
namespace {

constinit std::atomic<std::uint32_t> generation{0};

[[maybe_unused]] const int registered = ::pthread_atfork([] { rare_paths.lock(); }, [] { rare_paths.unlock(); },
                                                         [] {
                                                           generation.fetch_add(1, std::memory_order_relaxed);
                                                           rare_paths.unlock();
                                                         });

}  // namespace

constinit std::mutex rare_paths;

std::uint32_t fork_generation() noexcept { return generation.load(std::memory_order_relaxed); }

void ForkSafeMutex::lock() noexcept {
  const std::uint32_t mine = fork_generation() + 1;
  for (std::uint32_t holder = 0;;) {
    if (holder != mine) {
      if (holder_.compare_exchange_weak(holder, mine, std::memory_order_acquire, std::memory_order_relaxed)) return;
    } else {
      holder_.wait(mine, std::memory_order_relaxed);
      holder = 0;
    }
  }
}

void ForkSafeMutex::unlock() noexcept {
  holder_.store(0, std::memory_order_release);
  holder_.notify_one();
}

}  // namespace LEASH_NAMESPACE::track::detail
