#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/fs/path_arg.hpp>
#include <leash/result.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// Returns the whole content of a file. Errors: those of `open`, `read` and `close`, and `operation_canceled` or
/// `timed_out` when the Context is done before all is read.
[[nodiscard]] Result<std::string> read_file(Call call, FileSystem& files, PathArg path);

// What a call without a Context is told.
Result<std::string> read_file(NoContext, PathArg);

}  // namespace LEASH_NAMESPACE::fs
