#pragma once

#include <cstddef>
#include <cstring>
#include <leash/config.hpp>
#include <memory>
#include <span>

namespace LEASH_NAMESPACE::net::detail {

/// A bounded queue of bytes, in memory that is allocated once. Not thread-safe.
class ByteRing {
 public:
  explicit ByteRing(std::size_t capacity)
      // NOLINTNEXTLINE(*-avoid-c-arrays): of a size that is known when it runs
      : capacity_(capacity), bytes_(std::make_unique_for_overwrite<std::byte[]>(capacity)) {}

  std::size_t size() const noexcept { return size_; }
  std::size_t room() const noexcept { return capacity_ - size_; }

  /// Appends `data`, for which there must be room.
  void put(std::span<const std::byte> data) noexcept {
    std::size_t end = begin_ + size_;
    if (end >= capacity_) end -= capacity_;
    size_ += data.size();
    const std::size_t first = capacity_ - end;
    if (data.size() <= first) [[likely]] {
      copy(bytes_.get() + end, data);
      return;
    }
    copy(bytes_.get() + end, data.first(first));
    copy(bytes_.get(), data.subspan(first));
  }

  /// Takes the first bytes out; there must be as many as `buffer` holds.
  void take(std::span<std::byte> buffer) noexcept {
    const std::size_t first = capacity_ - begin_;
    if (buffer.size() <= first) [[likely]] {
      copy(buffer.data(), {bytes_.get() + begin_, buffer.size()});
    } else {
      copy(buffer.data(), {bytes_.get() + begin_, first});
      copy(buffer.data() + first, {bytes_.get(), buffer.size() - first});
    }
    drop(buffer.size());
  }

  /// Drops the first `count` bytes; there must be as many.
  void drop(std::size_t count) noexcept {
    size_ -= count;
    if (size_ == 0) {
      // What is sent next goes where the last bytes were, which are in the processor's cache.
      begin_ = 0;
      return;
    }
    begin_ += count;
    if (begin_ >= capacity_) begin_ -= capacity_;
  }

  /// Drops the last `count` bytes; there must be as many.
  void drop_last(std::size_t count) noexcept { size_ -= count; }

 private:
  static void copy(std::byte* to, std::span<const std::byte> from) noexcept {
    if (!from.empty()) std::memcpy(to, from.data(), from.size());
  }

  const std::size_t capacity_;
  const std::unique_ptr<std::byte[]> bytes_;  // NOLINT(*-avoid-c-arrays): of a size that is known when it runs
  std::size_t begin_ = 0;
  std::size_t size_ = 0;
};

}  // namespace LEASH_NAMESPACE::net::detail
