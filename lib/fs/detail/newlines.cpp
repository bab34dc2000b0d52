#include <bit>
#include <cstring>
#include <leash/fs/detail/newlines.hpp>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace LEASH_NAMESPACE::fs::detail {
namespace {

#ifdef __SSE2__

/// Which of 64 bytes are `\n`, the first one in the lowest bit.
std::uint64_t newlines_in_block(const char* text) noexcept {
  const __m128i newline = _mm_set1_epi8('\n');
  std::uint64_t bits = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + std::size_t{16} * i));
    const auto equal = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, newline)));
    bits |= std::uint64_t{equal} << (16 * i);
  }
  return bits;
}

#endif

}  // namespace

// One call of memchr for each line takes three times as long for short lines, most of it for branches that go another
// way each time. Here the first four of a block are written without asking whether there are that many.
std::size_t find_newlines(const char* text, std::size_t size, std::uint16_t* offsets) noexcept {
  std::uint16_t* out = offsets;
  std::size_t at = 0;
#ifdef __SSE2__
  const auto write_first = [&](std::uint64_t bits) {
    // The highest bit is set so that there is one to count to.
    const int first = std::countr_zero(bits | std::uint64_t{1} << 63);
    *out = static_cast<std::uint16_t>(at + static_cast<unsigned>(first));
    out += bits != 0;
    return bits & (bits - 1);
  };
  for (; size - at >= 64; at += 64) {
    std::uint64_t bits = newlines_in_block(text + at);
    for (int i = 0; i < 4; ++i) bits = write_first(bits);
    while (bits != 0) bits = write_first(bits);
  }
#endif
  while (at != size) {
    const auto* const newline = static_cast<const char*>(std::memchr(text + at, '\n', size - at));
    if (newline == nullptr) break;
    const auto offset = static_cast<std::size_t>(newline - text);
    *out++ = static_cast<std::uint16_t>(offset);
    at = offset + 1;
  }
  return static_cast<std::size_t>(out - offsets);
}

}  // namespace LEASH_NAMESPACE::fs::detail
