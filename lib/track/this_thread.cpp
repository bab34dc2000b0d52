#include <cxxabi.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <leash/os/fork.hpp>
#include <leash/track/detail/stack_bounds.hpp>
#include <leash/track/detail/this_thread.hpp>

namespace LEASH_NAMESPACE::track::detail {

constinit thread_local ThisThread this_thread_storage;

namespace {

constexpr std::uint32_t word_bits = 64;

/// A bit for each index, set while a thread has it. Taking it acquires what the thread that gave it back had done.
constinit std::array<std::atomic<std::uint64_t>, (most_indexes + 1) / word_bits> taken{};
constinit std::atomic<std::uint32_t> last_number{0};

/// The same, for threads that were lost in a fork.
constinit std::array<std::atomic<std::uint64_t>, taken.size()> lost{};

std::uint64_t bit_of(std::uint32_t index) noexcept { return std::uint64_t{1} << index % word_bits; }

std::uint32_t take_index() noexcept {
  for (std::uint32_t word = 0; word < taken.size(); ++word) {
    std::uint64_t bits = taken[word].load(std::memory_order_relaxed);
    for (;;) {
      // Index 0 is none.
      const std::uint64_t unavailable = bits | (word == 0 ? 1U : 0U);
      const auto bit = static_cast<std::uint32_t>(std::countr_one(unavailable));
      if (bit == word_bits) break;
      if (taken[word].compare_exchange_weak(bits, bits | bit_of(bit), std::memory_order_acquire,
                                            std::memory_order_relaxed)) {
        return word * word_bits + bit;
      }
    }
  }
  return 0;
}

void give_back(std::uint32_t index) noexcept {
  if (index != 0) {
    taken[index / word_bits].fetch_and(~bit_of(index), std::memory_order_release);
  }
}

void note_lost() noexcept {
  for (std::size_t word = 0; word < taken.size(); ++word) {
    lost[word].store(taken[word].load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  const std::uint32_t own = this_thread().index;
  lost[own / word_bits].fetch_and(~bit_of(own), std::memory_order_relaxed);
}

[[gnu::init_priority(101)]] const os::ForkParticipant in_forks(os::ForkOrder::threads, nullptr, nullptr, note_lost);

/// The Itanium C++ ABI (exception handling, 2.2.2) has each thread keep a pointer to the exceptions caught and then the
/// number of those uncaught. Asking where costs a call; to read it from there, nothing.
const unsigned* count_of_uncaught_exceptions() noexcept {
  return reinterpret_cast<const unsigned*>(reinterpret_cast<const std::byte*>(abi::__cxa_get_globals()) +
                                           sizeof(void*));
}

struct AtThreadExit {
  ~AtThreadExit() {
    ThisThread& thread = this_thread();
    const std::uint32_t index = thread.index;
    // In this order, with a signal handler in between: without an index it takes no shard for this thread's.
    thread.index = 0;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    thread.tracker = 0;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    give_back(index);
  }
};

}  // namespace

bool is_lost(std::uint32_t index) noexcept {
  return (lost[index / word_bits].load(std::memory_order_relaxed) & bit_of(index)) != 0;
}

void enter_thread() noexcept {
  thread_local const AtThreadExit at_exit;
  static_cast<void>(at_exit);
  know_own_stack();
  ThisThread& thread = this_thread();
  thread.uncaught_exceptions = count_of_uncaught_exceptions();
  thread.number = last_number.fetch_add(1, std::memory_order_relaxed) + 1;
  thread.index = take_index();
}

}  // namespace LEASH_NAMESPACE::track::detail
