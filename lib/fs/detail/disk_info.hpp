#pragma once

#include <sys/stat.h>

#include <leash/config.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <leash/fs/file_info.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

/// The type in the mode that stat(2) returns.
[[nodiscard]] FileType to_type(mode_t mode) noexcept;

[[nodiscard]] FileInfo to_info(const struct stat& status, std::string_view name);

/// What is known of the file that `descriptor` is open to.
[[nodiscard]] Outcome<FileInfo> info_of(int descriptor, std::string_view name);

}  // namespace LEASH_NAMESPACE::fs::detail
