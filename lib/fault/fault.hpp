#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/detail/chrono.hpp>
#include <string>
#include <string_view>
#include <system_error>

namespace LEASH_NAMESPACE::fault {

/// What a fault does to an operation.
enum class Effect : unsigned char {
  fail,        ///< It fails with `Fault::code`, and does nothing.
  fail_after,  ///< It is done, and then fails with `Fault::code`: a rename took place, and is told to have failed.
  shorten,  ///< A read returns `Fault::bytes` bytes at most. A write of a file writes so many, then fails with `code`.
  delay,    ///< It begins `Fault::delay` later, on the clock of its Context.
  full,     ///< The disk takes `Fault::bytes` more bytes, and is full then: `no_space_on_device`.
  end,      ///< The peer has closed its end: a read returns 0 now and later, a write fails with `broken_pipe`.
  reset,    ///< The connection is broken: what is done with it now and later fails with `connection_reset`.
  crash,    ///< The machine stops: this operation and every later one of the plan fails with `io_error`.
};

/// The effect as the text of a rule names it: `fail after`, `short`.
std::string_view to_string(Effect effect) noexcept;

/// One fault: what happens to the operation that it strikes.
struct Fault {
  Effect effect = Effect::fail;
  std::errc code = std::errc::io_error;  ///< Of `fail`, `fail_after`, and `shorten` of a write.
  std::uint64_t bytes = 0;               ///< Of `shorten` and `full`.
  std::chrono::nanoseconds delay{};      ///< Of `delay`.

  /// Whether the operation reports failure, so that its caller ought to notice.
  bool reports_failure() const noexcept {
    return effect == Effect::fail || effect == Effect::fail_after || effect == Effect::full ||
           effect == Effect::reset || effect == Effect::crash;
  }

  friend bool operator==(const Fault&, const Fault&) noexcept = default;
};

/// The fault for people: `fails with EMFILE`, `takes effect and fails with EIO`, `is cut to 1 byte`.
std::string to_string(const Fault& fault);

}  // namespace LEASH_NAMESPACE::fault

template <>
inline constexpr bool leash::detail::printable<leash::fault::Fault> = true;
