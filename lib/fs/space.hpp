#pragma once

#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::fs {

/// How much room there is where files are stored, in bytes.
struct Space {
  std::uint64_t capacity = 0;
  std::uint64_t free = 0;
  std::uint64_t available = 0;  ///< The part of `free` that unprivileged users may fill.
};

}  // namespace LEASH_NAMESPACE::fs
