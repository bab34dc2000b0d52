#pragma once

#include <sys/stat.h>

#include <leash/config.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <leash/fs/file_info.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

/// The file type in `mode`, which is the `st_mode` of stat(2).
[[nodiscard]] FileType to_type(mode_t mode) noexcept;

/// The FileInfo for what stat(2) has returned about a file named `name`.
[[nodiscard]] FileInfo to_info(const struct stat& status, std::string_view name);

/// The FileInfo of the file that `descriptor` is open to, named `name`.
[[nodiscard]] Outcome<FileInfo> info_of(int descriptor, std::string_view name);

}  // namespace LEASH_NAMESPACE::fs::detail
