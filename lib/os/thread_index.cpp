#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <leash/os/fork.hpp>
#include <leash/os/thread_index.hpp>

namespace LEASH_NAMESPACE::os {
namespace {

constexpr std::uint32_t word_bits = 64;
using Bits = std::array<std::atomic<std::uint64_t>, (most_thread_indexes + 1) / word_bits>;

/// A bit for each index, set while a thread has it. Setting one acquires what its previous thread released.
constinit Bits taken{};

/// A bit for each index, set if its thread was lost in a fork.
constinit Bits lost{};

constinit thread_local std::uint32_t own_index = 0;
constinit thread_local bool has_asked = false;  ///< Whether the thread has called `take_index`.

std::uint64_t bit_of(std::uint32_t index) noexcept { return std::uint64_t{1} << index % word_bits; }

std::uint32_t take_index() noexcept {
  for (std::uint32_t word = 0; word < taken.size(); ++word) {
    std::uint64_t bits = taken[word].load(std::memory_order_relaxed);
    for (;;) {
      // Index 0 stands for no index.
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

struct GiveBackAtExit {
  ~GiveBackAtExit() {
    const std::uint32_t index = own_index;
    // Cleared before the index is free: a signal handler that comes in between must not use that of another thread.
    own_index = 0;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    // A thread that is inside the gate cannot end, but if a signal handler ends it: then nobody gets its index.
    if (index != 0 && Gate::drop_own_stripe())
      taken[index / word_bits].fetch_and(~bit_of(index), std::memory_order_release);
  }
};

/// Runs in a forked child: all threads that have an index are lost, except this one.
void note_lost_threads() noexcept {
  for (std::size_t word = 0; word < taken.size(); ++word) {
    lost[word].store(taken[word].load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  lost[own_index / word_bits].fetch_and(~bit_of(own_index), std::memory_order_relaxed);
}

[[gnu::init_priority(101)]] const ForkParticipant index_in_forks(ForkOrder::threads, nullptr, nullptr,
                                                                 note_lost_threads);

}  // namespace

std::uint32_t thread_index() noexcept {
  if (!has_asked) [[unlikely]] {
    thread_local const GiveBackAtExit at_exit;
    static_cast<void>(at_exit);
    has_asked = true;
    own_index = take_index();
    if (own_index != 0) Gate::take_own_stripe(own_index);
  }
  return own_index;
}

std::uint32_t known_thread_index() noexcept { return own_index; }

bool is_lost_thread(std::uint32_t index) noexcept {
  return (lost[index / word_bits].load(std::memory_order_relaxed) & bit_of(index)) != 0;
}

}  // namespace LEASH_NAMESPACE::os
