#pragma once

#include <cstdint>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/result.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// Makes `content` the whole content of a file, which is created, or emptied first. `mode` is as in `OpenOptions`.
/// Errors: those of `open`, `write` and `close`; the file may then be there, empty or in part.
[[nodiscard]] Result<void> write_file(Call call, FileSystem& files, std::string_view path, std::string_view content,
                                      std::uint32_t mode = 0666);

// What a call without a Context is told.
Result<void> write_file(NoContext, std::string_view, std::string_view, std::uint32_t = 0666);

}  // namespace LEASH_NAMESPACE::fs
