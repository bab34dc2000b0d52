#pragma once

#include <leash/config.hpp>
#include <leash/fs/path_arg.hpp>
#include <leash/result.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// Whether every file system of leash accepts `path`: relative to the root, `/` between elements, and no element empty,
/// `.` or `..`. The path `.` alone is the root. An element may contain any byte but `/` and NUL.
[[nodiscard]] bool valid_path(std::string_view path) noexcept;

/// Why `path` is not valid, as the text of an Error's detail; empty if it is valid.
[[nodiscard]] std::string_view path_defect(std::string_view path) noexcept;

/// The shortest valid path that means the same as `text`, by its text alone, as Go's `path.Clean` does: `a/c` of
/// `./a//b/../c/`, and `.` of an empty text and of `a/..`. No file system is asked. So where `b` is a symbolic link to
/// a directory elsewhere, `b/..` means the directory above that one to the system, and `.` here; see `os_path`. Errors:
/// `errc::escapes_root` where `..` leaves the root, as in `a/../..`; `invalid_argument` for a NUL and for a slash at
/// the beginning, since such a path is not relative to the root.
[[nodiscard]] Result<std::string> clean_path(PathArg text);

/// The last element of a valid path: `c` of `a/b/c`, and `.` of `.`.
[[nodiscard]] std::string_view base_name(std::string_view path LEASH_LIFETIMEBOUND) noexcept;

/// The directory that contains the last element of a valid path: `a/b` of `a/b/c`, and `.` of `a` and of `.`.
[[nodiscard]] std::string_view parent_path(std::string_view path LEASH_LIFETIMEBOUND) noexcept;

/// The path of `name` in `directory`: `a/b` of `a` and `b`, and `b` of `.` and `b`.
[[nodiscard]] std::string join(std::string_view directory, std::string_view name);

}  // namespace LEASH_NAMESPACE::fs
