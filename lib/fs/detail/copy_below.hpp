#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/result.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

/// Copies all that is below the directory `from` into the directory `to`, as `MemoryFS::load` says. `operation` is what
/// an Error names that is of no step.
[[nodiscard]] Result<void> copy_below(Call call, std::string_view operation, FileSystem& from_files,
                                      std::string_view from, FileSystem& to_files, std::string_view to);

}  // namespace LEASH_NAMESPACE::fs::detail
