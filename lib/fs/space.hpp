#pragma once

#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::fs {

/// How much room there is where a file system keeps its files, in bytes.
struct Space {
  std::uint64_t capacity = 0;
  std::uint64_t free = 0;
  std::uint64_t available = 0;  ///< The part of `free` that one without privileges may use.
};

}  // namespace LEASH_NAMESPACE::fs
