#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::os {

/// Sleeps while `word` holds `expected`; may also return for nothing (futex(2)). All are for threads of one process.
void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept;

/// The same, but not beyond `deadline`.
void futex_wait_until(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                      std::chrono::steady_clock::time_point deadline) noexcept;

/// Wakes those who sleep for the word. Touches no memory: the word may be gone.
void futex_wake_one(const std::atomic<std::uint32_t>& word) noexcept;
void futex_wake_all(const std::atomic<std::uint32_t>& word) noexcept;

}  // namespace LEASH_NAMESPACE::os
