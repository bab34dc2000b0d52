#pragma once

#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::os {

/// The highest index.
inline constexpr std::uint32_t most_thread_indexes = 4095;

/// A number from 1 to `most_thread_indexes` that no other live thread has: the lowest free one when the thread calls
/// this first. When the thread ends, a later one may get it. 0 if all numbers were taken at the first call, and when
/// the thread is ending and its thread_local variables are destroyed.
///
/// A thread with an index passes the gate of forks (see fork.hpp) at less cost.
///
/// The first call in a thread registers a destructor that gives the index back when the thread ends. That may allocate:
/// signal handlers call `known_thread_index` instead.
std::uint32_t thread_index() noexcept;

/// As `thread_index`, but 0 for a thread that has not called `thread_index` yet. Async-signal-safe.
std::uint32_t known_thread_index() noexcept;

/// Whether `index` belongs to a thread that was lost when this process was forked (see fork.hpp). No other thread of
/// this process gets it.
bool is_lost_thread(std::uint32_t index) noexcept;

}  // namespace LEASH_NAMESPACE::os
