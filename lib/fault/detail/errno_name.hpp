#pragma once

#include <leash/config.hpp>
#include <leash/detail/chrono.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace LEASH_NAMESPACE::fault::detail {

/// The name of an error of the system: `EMFILE`; its number if it has none here.
std::string errno_name(std::errc code);

/// The error with this name or number (from 1 to 4095), or nothing.
std::optional<std::errc> errno_named(std::string_view name) noexcept;

/// `250ms`: in the largest unit, of `h`, `m`, `s`, `ms`, `us` and `ns`, in which it is a whole number.
std::string duration_text(std::chrono::nanoseconds duration);

/// What `duration_text` writes, or nothing: also if the number is too large.
std::optional<std::chrono::nanoseconds> duration_named(std::string_view text) noexcept;

}  // namespace LEASH_NAMESPACE::fault::detail
