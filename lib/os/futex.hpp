#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::os {

/// futex(2) among the threads of one process. All functions here are thread-safe and leave errno as it was.

/// Waits for a wake-up, unless `word` does not hold `expected`; may return spuriously.
void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept;

/// As `futex_wait`, but returns at `deadline` at the latest.
void futex_wait_until(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                      std::chrono::steady_clock::time_point deadline) noexcept;

/// Wakes one thread that waits on `word`. Uses its address only: the object may already be destroyed.
void futex_wake_one(const std::atomic<std::uint32_t>& word) noexcept;

/// Wakes all threads that wait on `word`. Uses its address only, as `futex_wake_one`.
void futex_wake_all(const std::atomic<std::uint32_t>& word) noexcept;

}  // namespace LEASH_NAMESPACE::os
