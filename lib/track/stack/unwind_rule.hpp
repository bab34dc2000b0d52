#pragma once

#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// How to get from one frame to the frame that called it, in 31 bits, so that a rule and the address it is for fit into
/// one atomic word. It knows what compilers make of the registers rsp, rbp and rip; everything else is `unsupported`.
///
///     framed       bit 0 = 1   caller's rsp = (rsp or rbp) + offset; the return address lies under that
///                  bit 1       by rbp
///                  bit 2       rbp was not saved
///                  bits 3-9    rbp was saved this many words under the caller's rsp (1 if it was not)
///                  bits 13-30  the offset in words
///     realigned    caller's rsp = *(rbp + 8 * bits 8-15, signed); rbp was saved at *rbp (GCC's over-aligned frames)
///     realigning   caller's rsp = r10; rbp was saved at *rbp if bit 8 (the same while such a frame is made or unmade,
///                  which is met only where a signal interrupted it)
///     others       bits 0-3
class UnwindRule {
 public:
  static constexpr unsigned size = 31;                               ///< In bits.
  static constexpr std::int64_t most_saved = std::int64_t{127} * 8;  ///< In bytes.

  enum class Kind : std::uint8_t { none = 0, end = 2, signal = 4, realigned = 6, realigning = 8, unsupported = 10 };

  constexpr UnwindRule() = default;
  constexpr explicit UnwindRule(std::uint32_t bits) noexcept : bits_(bits) {}
  constexpr explicit UnwindRule(Kind kind) noexcept : bits_(static_cast<std::uint32_t>(kind)) {}

  /// Offsets in bytes. `saved` is how far under the caller's rsp rbp was saved, 0 if it was not.
  static constexpr UnwindRule framed(bool by_rbp, std::int64_t offset, std::int64_t saved) noexcept {
    // Never reads under the register that the frame is found by, so that one check of the register covers it.
    if (offset < 8 || offset >= 8 << 18 || offset % 8 != 0 || saved < 0 || saved > most_saved || saved % 8 != 0 ||
        saved > offset) {
      return UnwindRule(Kind::unsupported);
    }
    const auto words = static_cast<std::uint32_t>(saved / 8);
    return UnwindRule(1U | (by_rbp ? 2U : 0U) | (words == 0 ? 4U | 8U : words << 3) |
                      static_cast<std::uint32_t>(offset / 8) << 13);
  }

  static constexpr UnwindRule realigned(std::int64_t at) noexcept {
    if (at < std::int64_t{-128} * 8 || at > std::int64_t{127} * 8 || at % 8 != 0) return UnwindRule(Kind::unsupported);
    return UnwindRule(static_cast<std::uint32_t>(Kind::realigned) | (static_cast<std::uint32_t>(at / 8) & 0xff) << 8);
  }

  static constexpr UnwindRule realigning(bool saves_rbp) noexcept {
    return UnwindRule(static_cast<std::uint32_t>(Kind::realigning) | (saves_rbp ? 1U << 8 : 0U));
  }

  [[nodiscard]] constexpr std::uint32_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr bool is_framed() const noexcept { return (bits_ & 1) != 0; }
  [[nodiscard]] constexpr bool by_rbp() const noexcept { return (bits_ & 2) != 0; }
  [[nodiscard]] constexpr bool keeps_rbp() const noexcept { return (bits_ & 4) != 0; }
  [[nodiscard]] constexpr std::uint32_t offset() const noexcept { return bits_ >> 10; }
  [[nodiscard]] constexpr std::uint32_t saved() const noexcept { return bits_ & 0x3f8; }

  /// Of a rule that is not framed.
  [[nodiscard]] constexpr Kind kind() const noexcept { return static_cast<Kind>(bits_ & 0xf); }
  [[nodiscard]] constexpr std::int64_t realigned_at() const noexcept {
    return std::int64_t{static_cast<std::int8_t>(bits_ >> 8)} * 8;
  }

  [[nodiscard]] constexpr bool realigning_saves_rbp() const noexcept { return (bits_ >> 8 & 1) != 0; }

  friend constexpr bool operator==(UnwindRule, UnwindRule) = default;

 private:
  std::uint32_t bits_ = 0;
};

}  // namespace LEASH_NAMESPACE::track::detail
