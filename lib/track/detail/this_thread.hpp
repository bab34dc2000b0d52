#pragma once

#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::track::detail {

class Shard;

/// What leash knows of the calling thread.
struct ThisThread {
  /// Its own among the threads that are alive, from 1 on and as low as can be; a thread that ended leaves its index to
  /// a later one. 0 for a thread that has none: it has not asked yet, has ended so far that its static variables are
  /// gone, or came when `most_indexes` others had one.
  std::uint32_t index = 0;

  /// Its place in the order in which threads came to leash, from 1 on; 0 before.
  std::uint32_t number = 0;

  /// The tracker that it made a record for last, and its shard there.
  std::uint64_t tracker = 0;
  Shard* shard = nullptr;
};

inline constexpr std::uint32_t most_indexes = 4095;

/// Readable at any time, also in a signal handler.
extern constinit thread_local ThisThread this_thread;

/// Gives the calling thread its number, and its index where one is free.
void enter_thread() noexcept;

/// The calling thread, which has a number from now on.
inline ThisThread& known_thread() noexcept {
  ThisThread& thread = this_thread;
  if (thread.number == 0) [[unlikely]]
    enter_thread();
  return thread;
}

}  // namespace LEASH_NAMESPACE::track::detail
