#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/fs/mapping.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

/// A range of a file of the operating system, mapped by mmap(2).
class DiskMapping final : public Mapping {
 public:
  /// Maps `size` bytes from `offset` on of what `descriptor` is open to, which is named `path`. The mapping does not
  /// need the descriptor any more. If the file is a regular one, the range must lie within it.
  [[nodiscard]] static Result<std::unique_ptr<Mapping>> map(int descriptor, std::string_view path, std::uint64_t offset,
                                                            std::size_t size, MapMode mode);

  ~DiskMapping() override;

 private:
  DiskMapping(std::string_view path, MapMode mode) : path_(path), mode_(mode) {}

  Result<void> do_sync(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  std::span<const std::byte> do_bytes() const noexcept override { return bytes_; }
  std::span<std::byte> do_writable_bytes() const noexcept override {
    return mode_ == MapMode::write ? bytes_ : std::span<std::byte>();
  }
  std::string_view do_path() const noexcept override { return path_; }

  const std::string path_;
  const MapMode mode_;
  std::span<std::byte> pages_;  ///< The pages that the bytes lie in. Empty after `close`.
  std::span<std::byte> bytes_;
};

}  // namespace LEASH_NAMESPACE::fs::detail
