#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <span>

namespace LEASH_NAMESPACE::net::detail {

/// How many bytes several buffers have together.
template <class Byte>
std::size_t total_size(std::span<const std::span<Byte>> buffers) noexcept {
  std::size_t size = 0;
  for (const std::span<Byte> buffer : buffers) size += buffer.size();
  return size;
}

}  // namespace LEASH_NAMESPACE::net::detail
