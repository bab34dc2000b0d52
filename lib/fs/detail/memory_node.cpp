#include <cstring>
#include <leash/fs/detail/memory_node.hpp>
#include <leash/fs/detail/memory_rare.hpp>
#include <leash/fs/detail/memory_tree.hpp>
#include <mutex>
#include <new>
#include <utility>

namespace LEASH_NAMESPACE::fs::detail {

static_assert(sizeof(MemoryNode) == 64);
static_assert(sizeof(MemoryNodePage) == 4096);

MemoryNode::MemoryNode(FileType type_, std::uint32_t mode_, Clock::system_time_point now) noexcept
    : type(type_), mode(static_cast<std::uint16_t>(mode_)), modified(now), accessed(now), changed(now) {
  if (is_directory()) {
    std::construct_at(&directory);
  } else if (is_symlink()) {
    std::construct_at(&link);
  } else {
    std::construct_at(&content);
  }
}

MemoryNode::~MemoryNode() {
  if (is_directory()) {
    std::destroy_at(&directory);
  } else if (is_symlink()) {
    std::destroy_at(&link);
  } else {
    std::destroy_at(&content);
  }
}

MemoryTree& MemoryNode::tree() const noexcept { return *MemoryNodePage::of(this).tree; }

std::uint64_t MemoryNode::id() const noexcept {
  const MemoryNodePage& page = MemoryNodePage::of(this);
  const auto* const first = reinterpret_cast<const MemoryNode*>(page.memory.data());
  return page.first_id + static_cast<std::uint64_t>(this - first);
}

LockTable& MemoryNode::locks() {
  const std::lock_guard guard(lock);
  if (!rare) rare = std::make_unique<MemoryRare>();
  return rare->locks;
}

MemoryName* MemoryName::make(MemoryNode* directory, std::string_view text, std::uint32_t hash, NodeRef node) {
  return new (::operator new(sizeof(MemoryName) + text.size())) MemoryName(directory, text, hash, std::move(node));
}

MemoryName::MemoryName(MemoryNode* directory_, std::string_view text, std::uint32_t hash_, NodeRef node_) noexcept
    : node(std::move(node_)), directory(directory_), hash(hash_), size(static_cast<std::uint32_t>(text.size())) {
  if (!text.empty()) std::memcpy(static_cast<void*>(this + 1), text.data(), text.size());
}

void MemoryName::destroy(MemoryName* name) noexcept {
  name->~MemoryName();
  ::operator delete(name);
}

}  // namespace LEASH_NAMESPACE::fs::detail
