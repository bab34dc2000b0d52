#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/revision.hpp>
#include <leash/track/kind.hpp>

namespace LEASH_NAMESPACE::track::detail {

class Shard;

/// The kind that a thread passed to `intern_kind` last, and its number.
struct KindCache {
  os::Revision revision;
  Kind kind;
  std::uint16_t number;
};

/// The sites that a thread passed to `intern_site` last: a direct-mapped cache. The address of what the compiler stored
/// for a `source_location` determines the slot (`site_cache_slot`); the slot's word holds the site's number, and above
/// it the other bits of that address (`site_cache_key`). Number and key change together, so a signal handler may read
/// and replace any slot.
using SiteCache = std::array<std::atomic<std::uint64_t>, 32>;

/// What leash knows of the calling thread.
struct ThisThread {
  /// Its `os::thread_index`; 0 before `register_thread`, when the thread ends, and where there was no index to be had.
  std::uint32_t index = 0;

  /// Which thread it is in the order in which threads first used leash, from 1 on; 0 before `register_thread`.
  std::uint32_t number = 0;

  /// The tracker that it opened a record of last (0: none), and its shard there.
  std::uint64_t tracker_id = 0;
  Shard* shard = nullptr;

  /// Where the C++ run-time counts this thread's uncaught exceptions: what `std::uncaught_exceptions` returns.
  const unsigned* uncaught_exceptions = nullptr;

  KindCache kind_cache{};
  SiteCache site_cache{};
};

/// Usable at any time, also in a signal handler: it needs no construction.
extern constinit thread_local ThisThread this_thread_storage;

inline ThisThread& this_thread() noexcept {
  ThisThread* thread = &this_thread_storage;
  // In code that may go into a shared library, a call computes the address of a thread-local variable. Hiding where the
  // pointer comes from keeps the compiler from making that call again at each use.
  asm("" : "+r"(thread));  // NOLINT(hicpp-no-assembler)
  return *thread;
}

/// Gives the calling thread its number and its index. Once a thread; not in a signal handler.
void register_thread() noexcept;

/// The calling thread, registered first if it was not.
inline ThisThread& registered_thread() noexcept {
  ThisThread& thread = this_thread();
  if (thread.number == 0) [[unlikely]]
    register_thread();
  return thread;
}

}  // namespace LEASH_NAMESPACE::track::detail
