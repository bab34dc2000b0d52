#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/result.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

/// Removes the file that an operation has created at `path` before it failed with `why`, also if its Context is done.
/// Returns `why`; if the file cannot be removed, with the reason among its causes.
[[nodiscard]] std::unexpected<Error> remove_created(Call call, FileSystem& files, std::string_view path,
                                                    const Error& why);

}  // namespace LEASH_NAMESPACE::fs::detail
