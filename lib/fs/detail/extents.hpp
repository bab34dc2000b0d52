#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <map>
#include <span>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {

/// The content of a sparse file: pieces of bytes that never overlap. The gaps between them read as zeros and take no
/// memory. The caller passes only ranges that end at INT64_MAX at most. Not thread-safe.
class Extents {
 public:
  std::uint64_t size() const noexcept { return size_; }

  /// How many pieces there are.
  std::size_t count() const noexcept { return pieces_.size(); }

  /// Copies the bytes from `offset` on to `buffer`. Returns how many: fewer than `buffer.size()` only at the end of the
  /// file.
  std::size_t read(std::uint64_t offset, std::span<std::byte> buffer) const;

  /// Replaces the bytes from `offset` on by `data`, and extends the file where `data` ends behind it. Does nothing if
  /// `data` is empty.
  void write(std::uint64_t offset, std::span<const std::byte> data);

  /// Cuts the file at `size` bytes, or extends it with a gap.
  void truncate(std::uint64_t size);

 private:
  std::map<std::uint64_t, std::vector<std::byte>> pieces_;  ///< By the offset where each begins.
  std::uint64_t size_ = 0;
};

}  // namespace LEASH_NAMESPACE::fs::detail
