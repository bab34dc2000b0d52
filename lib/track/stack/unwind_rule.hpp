#pragma once

#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// How to get from one frame to the frame that called it. 31 bits, so that a rule and its address fit into one atomic
/// word (`RuleCache`). It can say what compilers usually do with rsp, rbp and rip; all else is `unsupported`.
///
///     framed       bit 0 = 1   caller's rsp = (rsp or rbp) + offset; the return address is the word under that
///                  bit 1       rbp + offset; otherwise rsp + offset
///                  bit 2       rbp was not saved: the caller's is the same
///                  bits 3-9    rbp was saved this many words under the caller's rsp (1 if it was not: a walk may read
///                              that word in any case)
///                  bits 13-30  the offset in words
///     realigned    caller's rsp = *(rbp + 8 * bits 8-15, signed); rbp was saved at *rbp (GCC's over-aligned frames)
///     realigning   caller's rsp = r10; rbp was saved at *rbp if bit 8. That is a realigned frame while the function
///                  makes or removes it, which a walk meets only where a signal interrupted the function
///
/// Bits 0-3 of all that are not framed are the Kind.
class UnwindRule {
 public:
  static constexpr unsigned bit_count = 31;
  static constexpr std::int64_t max_saved = std::int64_t{127} * 8;  ///< For `framed`, in bytes.

  /// `none`: no rule is known. `end`: the frame has no caller. `signal`: the frame that the kernel made for a signal
  /// handler. `unsupported`: only the compiler's unwinder can find the caller.
  enum class Kind : std::uint8_t { none = 0, end = 2, signal = 4, realigned = 6, realigning = 8, unsupported = 10 };

  constexpr UnwindRule() = default;
  constexpr explicit UnwindRule(std::uint32_t bits) noexcept : bits_(bits) {}
  constexpr explicit UnwindRule(Kind kind) noexcept : bits_(static_cast<std::uint32_t>(kind)) {}

  /// Offsets in bytes. `saved` is how far under the caller's rsp rbp was saved, 0 if it was not. `unsupported` if the
  /// bits cannot hold them.
  static constexpr UnwindRule framed(bool by_rbp, std::int64_t offset, std::int64_t saved) noexcept {
    // With `saved <= offset` a walk reads nothing under the register that the offset is from: one check of the range
    // from this register to the caller's rsp covers all that it reads.
    if (offset < 8 || offset >= 8 << 18 || offset % 8 != 0 || saved < 0 || saved > max_saved || saved % 8 != 0 ||
        saved > offset) {
      return UnwindRule(Kind::unsupported);
    }
    const auto words = static_cast<std::uint32_t>(saved / 8);
    return UnwindRule(1U | (by_rbp ? 2U : 0U) | (words == 0 ? 4U | 8U : words << 3) |
                      static_cast<std::uint32_t>(offset / 8) << 13);
  }

  /// The caller's rsp is saved at rbp + `at` (bytes).
  static constexpr UnwindRule realigned(std::int64_t at) noexcept {
    if (at < std::int64_t{-128} * 8 || at > std::int64_t{127} * 8 || at % 8 != 0) return UnwindRule(Kind::unsupported);
    return UnwindRule(static_cast<std::uint32_t>(Kind::realigned) | (static_cast<std::uint32_t>(at / 8) & 0xff) << 8);
  }

  static constexpr UnwindRule realigning(bool saves_rbp) noexcept {
    return UnwindRule(static_cast<std::uint32_t>(Kind::realigning) | (saves_rbp ? 1U << 8 : 0U));
  }

  [[nodiscard]] constexpr std::uint32_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr bool is_framed() const noexcept { return (bits_ & 1) != 0; }

  /// These four only of a rule that is framed; the offsets in bytes. The bits lie so that neither needs a
  /// multiplication.
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
