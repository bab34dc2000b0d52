#pragma once

#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE {

/// How often operations were called, and what came of it.
struct OperationCount {
  std::uint64_t calls = 0;    ///< Those that are over.
  std::uint64_t errors = 0;   ///< How many of them failed.
  std::uint64_t bytes = 0;    ///< How many bytes they have read or written, those that failed included.
  Clock::duration time = {};  ///< How long they have taken, by the clocks of their Contexts.

  OperationCount& operator+=(const OperationCount& other) noexcept;
  friend bool operator==(const OperationCount&, const OperationCount&) = default;
};

}  // namespace LEASH_NAMESPACE
