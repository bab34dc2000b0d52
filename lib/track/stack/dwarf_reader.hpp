#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <leash/config.hpp>
#include <span>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// The text that ends with a zero byte and begins at `offset` of a section; empty if there is none.
inline std::string_view text_at(std::span<const std::byte> section, std::uint64_t offset) noexcept {
  if (offset >= section.size()) return {};
  const std::span<const std::byte> rest = section.subspan(static_cast<std::size_t>(offset));
  const auto* const text = reinterpret_cast<const char*>(rest.data());
  const void* const end = std::memchr(text, '\0', rest.size());
  return {text, end == nullptr ? 0 : static_cast<std::size_t>(static_cast<const char*>(end) - text)};
}

/// Reads numbers and texts from memory that may hold anything. Reading past the end gives 0 and fails the reader for
/// good.
class DwarfReader {
 public:
  explicit DwarfReader(std::span<const std::byte> bytes) noexcept
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] bool ok() const noexcept { return ok_; }
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

  /// An offset into a section, as units of 64 or 32 bits have it.
  std::uint64_t offset(bool wide) noexcept { return wide ? read<std::uint64_t>() : read<std::uint32_t>(); }

  /// A text with the zero byte behind it.
  std::string_view text() noexcept {
    const std::string_view text = text_at({at_, left()}, 0);
    take(text.size() + 1);
    return text;
  }

  /// A number in the encoding of `.eh_frame` (DW_EH_PE_…): absolute, or relative to itself or to `data`. Fails for
  /// others, and for indirect ones.
  std::uintptr_t encoded(std::uint8_t encoding, std::uintptr_t data = 0) noexcept {
    const std::uintptr_t self = position();
    std::uint64_t number = 0;
    switch (encoding & 0x0fU) {
      case 0x0:
      case 0x4:
      case 0xc:
        number = read<std::uint64_t>();
        break;
      case 0x1:
        number = uleb();
        break;
      case 0x2:
        number = read<std::uint16_t>();
        break;
      case 0x3:
        number = read<std::uint32_t>();
        break;
      case 0x9:
        number = static_cast<std::uint64_t>(sleb());
        break;
      case 0xa:
        number = static_cast<std::uint64_t>(std::int64_t{read<std::int16_t>()});
        break;
      case 0xb:
        number = static_cast<std::uint64_t>(std::int64_t{read<std::int32_t>()});
        break;
      default:
        fail();
    }
    switch (encoding & 0xf0U) {
      case 0x00:
        return number;
      case 0x10:
        return self + number;
      case 0x30:
        return data + number;
      default:
        fail();
        return 0;
    }
  }

  /// The next `size` bytes, which are passed over.
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
