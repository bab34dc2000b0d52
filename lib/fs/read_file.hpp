#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/result.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// The whole content of a file. Errors: those of `open`, `read` and `close`, and that of a Context which is done before
/// the end.
[[nodiscard]] Result<std::string> read_file(Call call, FileSystem& files, std::string_view path);

// What a call without a Context is told.
Result<std::string> read_file(NoContext, std::string_view);

}  // namespace LEASH_NAMESPACE::fs
