#pragma once

#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::os {

inline constexpr std::uint32_t most_thread_indexes = 4095;

/// The calling thread's own index among the threads that are alive: from 1 on, and as low as can be. A thread that ends
/// leaves its index to a later one. 0 where `most_thread_indexes` others had one when this thread asked first, and once
/// this thread has ended so far that its static variables are gone.
///
/// The first call in a thread registers what gives the index back when the thread ends: it may allocate, and is not for
/// a signal handler.
std::uint32_t thread_index() noexcept;

/// The same, but 0 for a thread that has not called `thread_index` yet. Async-signal-safe.
std::uint32_t known_thread_index() noexcept;

/// Whether an index is that of a thread which this process lost when it was forked. No thread gets it any more.
bool is_lost_thread(std::uint32_t index) noexcept;

}  // namespace LEASH_NAMESPACE::os
