#pragma once

#include <leash/config.hpp>
#include <leash/fs/detail/lock_table.hpp>

namespace LEASH_NAMESPACE::fs::detail {

/// What few nodes of a MemoryFS need.
struct MemoryRare {
  LockTable locks;
};

}  // namespace LEASH_NAMESPACE::fs::detail
