#include <cxxabi.h>

#include <atomic>
#include <cstddef>
#include <leash/os/thread_index.hpp>
#include <leash/track/stack/stack_bounds.hpp>
#include <leash/track/store/this_thread.hpp>

namespace LEASH_NAMESPACE::track::detail {

constinit thread_local ThisThread this_thread_storage;

namespace {

constinit std::atomic<std::uint32_t> last_number{0};

/// Where the C++ run-time counts the calling thread's uncaught exceptions. The Itanium C++ ABI (exception handling,
/// 2.2.2) lays down what each thread keeps: a pointer to the exceptions caught, and behind it this count. Finding it
/// costs a call, which is made once a thread; reading it costs none.
const unsigned* count_of_uncaught_exceptions() noexcept {
  return reinterpret_cast<const unsigned*>(reinterpret_cast<const std::byte*>(abi::__cxa_get_globals()) +
                                           sizeof(void*));
}

struct AtThreadExit {
  ~AtThreadExit() {
    ThisThread& thread = this_thread();
    // The index first: a signal handler that came after the other assignment and still found the index would cache this
    // thread's shard again, and the thread would go on using it after the index was given to another thread.
    thread.index = 0;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    thread.tracker_id = 0;
  }
};

}  // namespace

void register_thread() noexcept {
  // Before `at_exit`, so that AtThreadExit runs before the index is given back.
  const std::uint32_t index = os::thread_index();
  thread_local const AtThreadExit at_exit;
  static_cast<void>(at_exit);
  know_own_stack();
  ThisThread& thread = this_thread();
  thread.uncaught_exceptions = count_of_uncaught_exceptions();
  thread.number = last_number.fetch_add(1, std::memory_order_relaxed) + 1;
  thread.index = index;
}

}  // namespace LEASH_NAMESPACE::track::detail
