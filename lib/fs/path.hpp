#pragma once

#include <leash/config.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// Whether `path` is one that every file system of leash accepts: relative to the root, `/` between elements, and no
/// element empty, `.` or `..`, except that `.` alone is the root. Any byte but `/` and NUL may stand in an element.
[[nodiscard]] bool valid_path(std::string_view path) noexcept;

/// What makes `path` invalid, in words for a person; empty if it is valid.
[[nodiscard]] std::string_view path_defect(std::string_view path) noexcept;

/// The last element of a valid path: `c` of `a/b/c`, and `.` of `.`.
[[nodiscard]] std::string_view base_name(std::string_view path LEASH_LIFETIMEBOUND) noexcept;

/// The directory that the last element of a valid path stands in: `a/b` of `a/b/c`, and `.` of `a` and of `.`.
[[nodiscard]] std::string_view parent_path(std::string_view path LEASH_LIFETIMEBOUND) noexcept;

/// The path of `name` in `directory`: `a/b` of `a` and `b`, and `b` of `.` and `b`.
[[nodiscard]] std::string join(std::string_view directory, std::string_view name);

}  // namespace LEASH_NAMESPACE::fs
