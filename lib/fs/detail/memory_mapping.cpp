#include <leash/fs/detail/memory_mapping.hpp>
#include <leash/fs/detail/memory_tree.hpp>
#include <utility>

namespace LEASH_NAMESPACE::fs::detail {

std::unique_ptr<Mapping> MemoryMapping::make(NodeRef node, const Content::Mapped& mapped, std::uint64_t offset,
                                             std::size_t size, MapMode mode, std::string_view path) {
  struct Owned {
    ~Owned() {
      if (block != nullptr) block->drop_mapping();
    }
    Block* block;
  } owned{mapped.block};
  std::unique_ptr<MemoryMapping> mapping(new MemoryMapping(std::move(node), size, mode, path));
  if (mode == MapMode::write) mapping->node_->tree().begin_map(*mapping->node_, mapping.get(), offset, size);
  mapping->mapped_ = mapped;
  owned.block = nullptr;
  return mapping;
}

MemoryMapping::~MemoryMapping() { unmap(); }

void MemoryMapping::unmap() noexcept {
  Block* const block = std::exchange(mapped_.block, nullptr);
  if (block == nullptr) return;
  if (mode_ == MapMode::write) node_->tree().end_map(*node_, this);
  block->drop_mapping();
  node_ = nullptr;
}

std::span<const std::byte> MemoryMapping::do_bytes() const noexcept {
  if (mapped_.block == nullptr) return {};
  return {mapped_.data, size_};
}

std::span<std::byte> MemoryMapping::do_writable_bytes() const noexcept {
  if (mapped_.block == nullptr || mode_ != MapMode::write) return {};
  return {mapped_.data, size_};
}

Result<void> MemoryMapping::do_sync(std::source_location) {
  if (mapped_.block == nullptr) return fail("sync", path_, std::errc::bad_file_descriptor);
  node_->tree().sync(*node_);
  return {};
}

Result<void> MemoryMapping::do_close(std::source_location) {
  if (mapped_.block == nullptr) return fail("close", path_, std::errc::bad_file_descriptor);
  unmap();
  return {};
}

}  // namespace LEASH_NAMESPACE::fs::detail
