#include <algorithm>
#include <leash/fs/detail/memory_tree.hpp>
#include <mutex>
#include <new>

namespace LEASH_NAMESPACE::fs::detail {

bool MemoryTree::take_room(std::uint64_t bytes) noexcept {
  std::uint64_t used = used_.load(std::memory_order_relaxed);
  do {
    // A file that is extended within a chunk may take more than there is.
    if (used > capacity_ || bytes > capacity_ - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

/// Writes at `offset` or, if there is none, at the end. Returns the offset behind what was written.
Outcome<std::uint64_t> MemoryTree::write(MemoryNode& node, std::optional<std::uint64_t> offset,
                                         std::span<const std::byte> data) {
  const Clock::system_time_point time = now();
  const std::lock_guard lock(node.lock);
  const std::uint64_t begin = offset ? *offset : node.content.size();
  if (data.size() > INT64_MAX - begin) return refuse(std::errc::file_too_large);
  if (limited() && !take_room(node.content.growth(begin, data.size()))) return refuse(std::errc::no_space_on_device);
  try {
    before_change(node, begin, data.size());
    node.content.write(begin, data);
  } catch (...) {
    if (limited()) give_room(node.content.growth(begin, data.size()));
    throw;
  }
  node.modified = node.changed = time;
  return begin + data.size();
}

void MemoryTree::set_size(MemoryNode& node, std::uint64_t size) {
  const Clock::system_time_point time = now();
  const std::lock_guard lock(node.lock);
  before_cut(node, size);
  if (limited()) {
    const std::uint64_t before = node.content.stored();
    node.content.truncate(size);
    // More than before only in the chunk that the file ended in.
    used_.fetch_add(node.content.stored() - before, std::memory_order_relaxed);
  } else {
    node.content.truncate(size);
  }
  node.modified = node.changed = time;
}

Outcome<void> MemoryTree::allocate(MemoryNode& node, std::uint64_t offset, std::uint64_t size) {
  const Clock::system_time_point time = now();
  const std::lock_guard lock(node.lock);
  if (limited()) {
    // First whether all that is stored could lie in the range: `growth` takes time for each chunk of it.
    const std::uint64_t room = capacity_ - std::min(used(), capacity_);
    if (size > room && size - room > node.content.stored()) return refuse(std::errc::no_space_on_device);
    if (!take_room(node.content.growth(offset, size))) return refuse(std::errc::no_space_on_device);
    try {
      before_change(node, offset, size);
      node.content.allocate(offset, size);
    } catch (...) {
      give_room(node.content.growth(offset, size));
      throw;
    }
  } else {
    before_change(node, offset, 0);
    if (offset + size > node.content.size()) node.content.truncate(offset + size);
  }
  node.modified = node.changed = time;
  return {};
}

/// Maps a range, which gets all the room that it needs. A block of null: see `Content::map`.
Outcome<Content::Mapped> MemoryTree::map(MemoryNode& node, std::uint64_t offset, std::size_t size) {
  const std::lock_guard lock(node.lock);
  const std::uint64_t end = node.content.size();
  if (offset > end || size > end - offset) return refuse(std::errc::invalid_argument);
  const std::uint64_t growth = limited() ? node.content.growth(offset, size) : 0;
  if (growth != 0 && !take_room(growth)) return refuse(std::errc::no_space_on_device);
  try {
    const Content::Mapped mapped = node.content.map(offset, size);
    if (mapped.block == nullptr) give_room(growth);
    return mapped;
  } catch (const std::bad_alloc&) {
    give_room(growth);
    return refuse(std::errc::not_enough_memory);
  }
}

void MemoryTree::set_mode(MemoryNode& node, std::uint32_t mode) const {
  const Clock::system_time_point time = now();
  const std::lock_guard lock(node.lock);
  node.mode = static_cast<std::uint16_t>(mode);
  node.changed = time;
}

void MemoryTree::set_times(MemoryNode& node, std::optional<Clock::system_time_point> accessed,
                           std::optional<Clock::system_time_point> modified) const {
  // utimensat(2) leaves `changed` alone, too.
  if (!accessed && !modified) return;
  const Clock::system_time_point time = now();
  const std::lock_guard lock(node.lock);
  if (accessed) node.accessed = *accessed;
  if (modified) node.modified = *modified;
  node.changed = time;
}

}  // namespace LEASH_NAMESPACE::fs::detail
