#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// How a file is opened: `files.open(ctx, "log", {.write = true, .create = true})`.
struct OpenOptions {
  bool read = false;
  bool write = false;
  bool append = false;        ///< Every write goes to the end of the file, atomically. Needs `write`.
  bool create = false;        ///< Creates the file if it is missing. Needs `write`.
  bool exclusive = false;     ///< Fails with `file_exists` if the name exists, even as a dangling link. Needs `create`.
  bool truncate = false;      ///< Empties the file. Needs `write`.
  bool unnamed = false;       ///< Creates a file without a name, stored where the directory `path` is; it is gone
                              ///< with its handle. Needs `write`; excludes all others but `read`.
  bool directory = false;     ///< Opens a directory, to `sync` or `stat` it, and nothing else. Excludes `write`.
  bool no_follow = false;     ///< Fails with `too_many_symbolic_link_levels` if the last element is a symbolic link,
                              ///< together with `directory` with `not_a_directory`.
  std::uint32_t mode = 0666;  ///< The permission bits of a file that is created, before the umask; at most 0777.
};

/// Why `open` refuses `options`, as the text of an Error's detail: options that contradict each other, or a mode above
/// 0777. Empty if it does not refuse them.
[[nodiscard]] std::string_view options_defect(const OpenOptions& options) noexcept;

}  // namespace LEASH_NAMESPACE::fs
