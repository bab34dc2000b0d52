#pragma once

#include <leash/config.hpp>
#include <system_error>

namespace LEASH_NAMESPACE::fs {

/// The errors of file systems for which `std::errc` has no value.
enum class errc {
  escapes_root = 1,  ///< The path leaves the root of the file system through a symbolic link.
};

/// The category of `errc`; its name is "leash.fs".
const std::error_category& error_category() noexcept;

/// What makes an `errc` convert to a `std::error_code`.
std::error_code make_error_code(errc code) noexcept;

}  // namespace LEASH_NAMESPACE::fs

template <>
struct std::is_error_code_enum<leash::fs::errc> : std::true_type {};
