#pragma once

#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::fs {

/// Who else may lock a range of bytes that is locked.
enum class LockMode : unsigned char {
  shared,     ///< Others may lock it as shared.
  exclusive,  ///< Nobody.
};

/// The `size` bytes from `offset` on; with a size of 0 all from there on, however far the file grows.
struct LockRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

}  // namespace LEASH_NAMESPACE::fs
