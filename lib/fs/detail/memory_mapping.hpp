#pragma once

#include <leash/config.hpp>
#include <leash/fs/detail/content.hpp>
#include <leash/fs/detail/memory_node.hpp>
#include <leash/fs/mapping.hpp>
#include <memory>
#include <string>

namespace LEASH_NAMESPACE::fs::detail {

/// A range of a file of a MemoryFS. It keeps the memory alive, and that where it is, and the node.
class MemoryMapping final : public Mapping {
 public:
  /// Owns the reference and the mapping of `mapped.block`, also if this throws `std::bad_alloc`.
  static std::unique_ptr<Mapping> make(NodeRef node, const Content::Mapped& mapped, std::uint64_t offset,
                                       std::size_t size, MapMode mode, std::string_view path);
  ~MemoryMapping() override;

 private:
  MemoryMapping(NodeRef node, std::size_t size, MapMode mode, std::string_view path)
      : node_(std::move(node)), size_(size), mode_(mode), path_(path) {}

  void unmap() noexcept;

  std::span<const std::byte> do_bytes() const noexcept override;
  std::span<std::byte> do_writable_bytes() const noexcept override;
  Result<void> do_sync(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  std::string_view do_path() const noexcept override { return path_; }

  NodeRef node_;            ///< Null once it is closed,
  Content::Mapped mapped_;  ///< as is the block.
  const std::size_t size_;
  const MapMode mode_;
  const std::string path_;
};

}  // namespace LEASH_NAMESPACE::fs::detail
