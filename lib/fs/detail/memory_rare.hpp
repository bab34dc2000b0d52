#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/fs/detail/lock_table.hpp>
#include <map>
#include <memory>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {

/// What a file had when it was last synced, as far as it was changed since. For `MemoryFS::crash_clone`.
struct SyncedContent {
  std::uint64_t size = 0;
  std::map<std::uint64_t, std::vector<std::byte>>
      chunks;  ///< By their numbers, up to the end of the file; a hole is empty.
};

/// A range of a file that is mapped for writing: what is written there is seen by no operation.
struct WritableRange {
  const void* mapping;  ///< Whose it is.
  std::uint64_t offset;
  std::uint64_t size;
};

/// What few nodes of a MemoryFS need.
struct MemoryRare {
  LockTable locks;
  // Guarded by the lock of the node.
  std::unique_ptr<SyncedContent> synced;  ///< Null if nothing was changed since the last sync.
  std::vector<WritableRange> writable_ranges;
};

}  // namespace LEASH_NAMESPACE::fs::detail
