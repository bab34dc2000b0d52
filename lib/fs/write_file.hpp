#pragma once

#include <cstdint>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/fs/path_arg.hpp>
#include <leash/result.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// Creates a file, or empties it if it exists, and writes `content` to it. `mode` is as in `OpenOptions`. Errors: those
/// of `open`, `write` and `close`; after one of them the file may exist with no content, or with a part of it.
[[nodiscard]] Result<void> write_file(Call call, FileSystem& files, PathArg path, std::string_view content,
                                      std::uint32_t mode = 0666);

// What a call without a Context is told.
Result<void> write_file(NoContext, PathArg, std::string_view, std::uint32_t = 0666);

}  // namespace LEASH_NAMESPACE::fs
