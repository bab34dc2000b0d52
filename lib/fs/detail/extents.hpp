#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <map>
#include <span>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {

/// The content of a sparse file: pieces of bytes by their offset, which never overlap. What lies between them reads as
/// zero and costs nothing. Offsets and sizes are at most INT64_MAX, which the caller sees to. Not thread-safe.
class Extents {
 public:
  std::uint64_t size() const noexcept { return size_; }

  /// How many pieces there are.
  std::size_t count() const noexcept { return pieces_.size(); }

  /// Copies what is at `offset` to `buffer`, and returns how many bytes that was: fewer than asked for only at the end.
  std::size_t read(std::uint64_t offset, std::span<std::byte> buffer) const;

  /// Replaces the bytes at `offset`, and extends the file if need be. Nothing happens if `data` is empty.
  void write(std::uint64_t offset, std::span<const std::byte> data);

  void truncate(std::uint64_t size);

 private:
  std::map<std::uint64_t, std::vector<std::byte>> pieces_;
  std::uint64_t size_ = 0;
};

}  // namespace LEASH_NAMESPACE::fs::detail
