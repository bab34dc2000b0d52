#include <chrono>
#include <leash/net/conformance/thread_state.hpp>
#include <thread>

namespace LEASH_NAMESPACE::net::conformance {

void wait_until_asleep(const std::atomic<int>& thread, int time_scale, const std::atomic<bool>& ended) {
  const auto start = std::chrono::steady_clock::now();
  const auto passed = [&](std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() - start >= time * time_scale;
  };
  ThreadState before;
  while (!ended) {
    const int number = thread;
    const ThreadState now = number == 0 ? ThreadState{} : thread_state(number);
    // Seen twice: it may sleep for a moment to take a lock.
    if (now.sleeps && before.sleeps && now.sleeps_so_far == before.sleeps_so_far) return;
    if (passed(std::chrono::milliseconds(1000)) ||
        (!now.known && number != 0 && passed(std::chrono::milliseconds(20)))) {
      return;
    }
    before = now;
    std::this_thread::yield();
  }
}

}  // namespace LEASH_NAMESPACE::net::conformance
