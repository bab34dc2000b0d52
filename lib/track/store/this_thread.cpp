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

/// The Itanium C++ ABI (exception handling, 2.2.2) has each thread keep a pointer to the exceptions caught and then the
/// number of those uncaught. Asking where costs a call; to read it from there, nothing.
const unsigned* count_of_uncaught_exceptions() noexcept {
  return reinterpret_cast<const unsigned*>(reinterpret_cast<const std::byte*>(abi::__cxa_get_globals()) +
                                           sizeof(void*));
}

struct AtThreadExit {
  ~AtThreadExit() {
    ThisThread& thread = this_thread();
    // In this order, with a signal handler in between: without an index it takes no shard for this thread's.
    thread.index = 0;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    thread.tracker = 0;
  }
};

}  // namespace

void enter_thread() noexcept {
  // Before the other, so that it is given back last.
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
