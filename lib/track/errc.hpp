#pragma once

#include <leash/config.hpp>
#include <system_error>

namespace LEASH_NAMESPACE::track {

/// The error codes of `leash::track`.
enum class errc {
  tracker_closed = 1,  ///< The tracker was closed: nothing can be opened under it any more.
};

/// The category of these codes, "leash.track".
const std::error_category& error_category() noexcept;
std::error_code make_error_code(errc code) noexcept;

}  // namespace LEASH_NAMESPACE::track

template <>
struct std::is_error_code_enum<leash::track::errc> : std::true_type {};
