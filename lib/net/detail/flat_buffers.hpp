#pragma once

#include <array>
#include <asio/buffer.hpp>
#include <cstddef>
#include <leash/config.hpp>
#include <span>

namespace LEASH_NAMESPACE::net::detail {

/// The first buffers of a sequence that are not empty, as a sequence. `Buffer` is `asio::mutable_buffer` or
/// `asio::const_buffer`. An operation that may transfer less than it was asked for needs no more.
template <class Buffer>
class FlatBuffers {
 public:
  template <class Sequence>
  explicit FlatBuffers(const Sequence& sequence) {
    const auto end = asio::buffer_sequence_end(sequence);
    for (auto each = asio::buffer_sequence_begin(sequence); each != end && count_ != buffers_.size(); ++each) {
      const Buffer buffer(*each);
      if (buffer.size() != 0) buffers_[count_++] = buffer;
    }
  }

  using value_type = Buffer;
  using const_iterator = const Buffer*;
  const Buffer* begin() const noexcept { return buffers_.data(); }
  const Buffer* end() const noexcept { return buffers_.data() + count_; }

  bool empty() const noexcept { return count_ == 0; }
  std::span<const Buffer> span() const noexcept { return std::span(buffers_).first(count_); }

 private:
  std::array<Buffer, 16> buffers_;
  std::size_t count_ = 0;
};

}  // namespace LEASH_NAMESPACE::net::detail
