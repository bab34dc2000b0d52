#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <leash/config.hpp>
#include <span>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// The text at `offset` of a section, without the zero byte that ends it. Empty if the offset is outside of the
/// section, or if no zero byte follows.
inline std::string_view text_at(std::span<const std::byte> section, std::uint64_t offset) noexcept {
  if (offset >= section.size()) return {};
  const std::span<const std::byte> rest = section.subspan(static_cast<std::size_t>(offset));
  const auto* const text = reinterpret_cast<const char*>(rest.data());
  const void* const end = std::memchr(text, '\0', rest.size());
  return {text, end == nullptr ? 0 : static_cast<std::size_t>(static_cast<const char*>(end) - text)};
}

/// Reads numbers and texts from memory that may hold anything. A read that goes past the end returns 0 and fails the
/// reader: all later reads return 0 too, and `ok` is false.
class DwarfReader {
 public:
  explicit DwarfReader(std::span<const std::byte> bytes) noexcept
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  /// Whether there is nothing more to read: at the end, or failed.
  [[nodiscard]] bool done() const noexcept { return !ok_ || at_ == end_; }
  [[nodiscard]] std::uintptr_t position() const noexcept { return reinterpret_cast<std::uintptr_t>(at_); }
  [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }

  void fail() noexcept {
    ok_ = false;
    at_ = end_;
  }

  template <class Number>
  Number read() noexcept {
    Number number{};
    if (left() < sizeof number) {
      fail();
      return number;
    }
    std::memcpy(&number, at_, sizeof number);
    at_ += sizeof number;
    return number;
  }

  std::uint64_t uleb() noexcept {
    std::uint64_t number = 0;
    for (unsigned shift = 0; ok_; shift += 7) {
      const auto byte = read<std::uint8_t>();
      if (shift < 64) number |= std::uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80U) == 0) break;
    }
    return number;
  }

  std::int64_t sleb() noexcept {
    std::uint64_t number = 0;
    for (unsigned shift = 0; ok_;) {
      const auto byte = read<std::uint8_t>();
      if (shift < 64) number |= std::uint64_t{byte & 0x7fU} << shift;
      shift += 7;
      if ((byte & 0x80U) != 0) continue;
      if ((byte & 0x40U) != 0 && shift < 64) number |= ~std::uint64_t{0} << shift;
      break;
    }
    return static_cast<std::int64_t>(number);
  }

  /// An offset into a section: `wide` in units of the 64-bit format, which have 8 bytes for it instead of 4.
  std::uint64_t offset(bool wide) noexcept { return wide ? read<std::uint64_t>() : read<std::uint32_t>(); }

  /// The text up to the next zero byte. That is read too, but does not belong to the result.
  std::string_view text() noexcept {
    const std::string_view text = text_at({at_, left()}, 0);
    take(text.size() + 1);
    return text;
  }

  /// A number in one of the encodings of `.eh_frame`, DW_EH_PE_…: the low four bits of `encoding` say how it is stored,
  /// the others what it is relative to: nothing, its own address, or `data`. Other encodings, such as indirect ones,
  /// fail the reader; then the result means nothing.
  std::uintptr_t encoded(std::uint8_t encoding, std::uintptr_t data = 0) noexcept {
    const std::uintptr_t self = position();
    std::uint64_t number = 0;
    switch (encoding & 0x0fU) {
      case 0x0:  // absptr
      case 0x4:  // udata8
      case 0xc:  // sdata8
        number = read<std::uint64_t>();
        break;
      case 0x1:  // uleb128
        number = uleb();
        break;
      case 0x2:  // udata2
        number = read<std::uint16_t>();
        break;
      case 0x3:  // udata4
        number = read<std::uint32_t>();
        break;
      case 0x9:  // sleb128
        number = static_cast<std::uint64_t>(sleb());
        break;
      case 0xa:  // sdata2
        number = static_cast<std::uint64_t>(std::int64_t{read<std::int16_t>()});
        break;
      case 0xb:  // sdata4
        number = static_cast<std::uint64_t>(std::int64_t{read<std::int32_t>()});
        break;
      default:
        fail();
    }
    switch (encoding & 0xf0U) {
      case 0x00:  // absolute
        return number;
      case 0x10:  // pcrel
        return self + number;
      case 0x30:  // datarel
        return data + number;
      default:
        fail();
        return 0;
    }
  }

  /// The next `size` bytes; reading goes on behind them.
  std::span<const std::byte> take(std::uint64_t size) noexcept {
    if (size > left()) {
      fail();
      return {};
    }
    const std::span<const std::byte> taken(at_, static_cast<std::size_t>(size));
    at_ += size;
    return taken;
  }

 private:
  const std::byte* at_;
  const std::byte* end_;
  bool ok_ = true;
};

}  // namespace LEASH_NAMESPACE::track::detail
