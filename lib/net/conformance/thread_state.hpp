#pragma once

#include <atomic>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::net::conformance {

/// The number by which the system knows the calling thread.
[[nodiscard]] int this_thread() noexcept;

/// What the system knows of a thread at one moment.
struct ThreadState {
  bool known = false;  ///< False if the system does not tell, or the thread has ended.
  bool sleeps = false;
  unsigned long long sleeps_so_far = 0;  ///< How often it went to sleep by itself.
};

/// The state of a thread of this process. Opens a descriptor, and closes it.
[[nodiscard]] ThreadState thread_state(int thread) noexcept;

/// Waits until a thread sleeps, which for one that is in an operation means that the operation waits; or until `ended`
/// says that it is over. Where the system does not tell, or the thread never sleeps, it waits for a moment,
/// `time_scale` times.
void wait_until_asleep(const std::atomic<int>& thread, int time_scale, const std::atomic<bool>& ended);

}  // namespace LEASH_NAMESPACE::net::conformance
