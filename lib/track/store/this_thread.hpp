#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/revision.hpp>
#include <leash/track/kind.hpp>

namespace LEASH_NAMESPACE::track::detail {

class Shard;

/// The kind that a thread asked for last (see `intern_kind`).
struct KnownKind {
  os::Revision revision;
  Kind kind;
  std::uint16_t number;
};

/// The sites that a thread asked for last (see `intern_site`), each by the address of what the compiler stored of it: a
/// word holds the number, and above it what its place does not tell of the address. So a signal handler may read and
/// change it.
using KnownSites = std::array<std::atomic<std::uint64_t>, 32>;

/// What leash knows of the calling thread.
struct ThisThread {
  /// Its `os::thread_index`; 0 before it comes to leash, and where it has none.
  std::uint32_t index = 0;

  /// Its place in the order in which threads came to leash, from 1 on; 0 before.
  std::uint32_t number = 0;

  /// The tracker that it made a record for last, and its shard there.
  std::uint64_t tracker = 0;
  Shard* shard = nullptr;

  /// How many exceptions are on their way through it: what `std::uncaught_exceptions` would say.
  const unsigned* uncaught_exceptions = nullptr;

  KnownKind kind{};
  KnownSites sites{};
};

/// Readable at any time, also in a signal handler.
extern constinit thread_local ThisThread this_thread_storage;

inline ThisThread& this_thread() noexcept {
  ThisThread* thread = &this_thread_storage;
  // Where it is costs a call in code that may go into a shared library: the compiler shall not ask again.
  asm("" : "+r"(thread));  // NOLINT(hicpp-no-assembler)
  return *thread;
}

/// Gives the calling thread its number and its index.
void enter_thread() noexcept;

/// The calling thread, which has a number from now on.
inline ThisThread& known_thread() noexcept {
  ThisThread& thread = this_thread();
  if (thread.number == 0) [[unlikely]]
    enter_thread();
  return thread;
}

}  // namespace LEASH_NAMESPACE::track::detail
