#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/fs/detail/content.hpp>
#include <leash/fs/detail/name_ring.hpp>
#include <leash/fs/file_info.hpp>
#include <leash/os/word_lock.hpp>
#include <memory>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

class LockTable;
class MemoryTree;
struct MemoryRare;

/// What a node has if it is a directory.
struct MemoryDirectory {
  MemoryName* name = nullptr;  ///< Its own; null for the root, and for one that was removed.
  NameRing names;              ///< Those in it.
};

/// What a node has if it is a symbolic link.
struct MemoryTarget {
  std::unique_ptr<char[]> text;  // NOLINT(*-avoid-c-arrays): not initialized
  std::size_t size = 0;
};

/// One file, directory or symbolic link of a MemoryFS. Its names and its open handles share ownership of it.
///
/// A cache line of its own: threads that use different files do not slow each other down. What few files need is behind
/// one pointer; which tree it belongs to, and its id, the page that it lies in knows.
struct alignas(64) MemoryNode : leash::detail::RefCounted {
  MemoryNode(FileType type, std::uint32_t mode, Clock::system_time_point now) noexcept;
  ~MemoryNode();

  bool is_directory() const noexcept { return type == FileType::directory; }
  bool is_symlink() const noexcept { return type == FileType::symlink; }
  std::string_view target() const noexcept { return {link.text.get(), link.size}; }
  MemoryTree& tree() const noexcept;
  std::uint64_t id() const noexcept;

  /// Its byte-range locks. Locks `lock`. Throws `std::bad_alloc`.
  LockTable& locks();

  /// Guards all below but `type`, `directory` and `link`. A thread that needs the tree's lock too locks that one first.
  mutable os::WordLock lock;
  const FileType type;
  std::uint16_t mode;
  std::uint32_t links = 0;  ///< As `FileInfo::links`.
  union {
    Content content;            ///< Of a file.
    MemoryDirectory directory;  ///< Guarded by the lock of the tree.
    MemoryTarget link;          ///< Of a symbolic link; never changes.
  };
  Clock::system_time_point modified;
  Clock::system_time_point accessed;
  Clock::system_time_point changed;
  std::unique_ptr<MemoryRare> rare;

  friend void destroy(MemoryNode* node) noexcept;
};

using NodeRef = leash::detail::Ref<MemoryNode>;

/// A page of nodes. It lies at a multiple of its size, so that a node finds it by its own address.
struct alignas(4096) MemoryNodePage {
  static constexpr std::size_t nodes = 63;

  MemoryNodePage(MemoryTree* tree_, std::uint64_t first_id_) noexcept : tree(tree_), first_id(first_id_) {}

  /// The page that something lies in.
  static MemoryNodePage& of(const void* address) noexcept {
    return *reinterpret_cast<MemoryNodePage*>(reinterpret_cast<std::uintptr_t>(address) &
                                              ~(std::uintptr_t{sizeof(MemoryNodePage)} - 1));
  }

  MemoryTree* const tree;
  const std::uint64_t first_id;  ///< Of the first node; the others follow.
  alignas(64) std::array<std::byte, nodes * sizeof(MemoryNode)> memory;
};

/// One name in a directory. A node has one for each of its hard links.
struct MemoryName {
  /// Throws `std::bad_alloc`.
  static MemoryName* make(MemoryNode* directory, std::string_view text, std::uint32_t hash, NodeRef node);

  MemoryName(const MemoryName&) = delete;
  MemoryName& operator=(const MemoryName&) = delete;

  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(this + 1), size}; }

  /// Whether it is the place of a MemoryDir in the ring, and no name.
  bool is_cursor() const noexcept { return !node; }

  NodeRef node;
  MemoryNode* const directory;
  MemoryName* next = this;
  MemoryName* previous = this;
  const std::uint32_t hash;
  const std::uint32_t size;

  static void destroy(MemoryName* name) noexcept;

 private:
  MemoryName(MemoryNode* directory_, std::string_view text, std::uint32_t hash_, NodeRef node_) noexcept;
  ~MemoryName() = default;
};

}  // namespace LEASH_NAMESPACE::fs::detail
