#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/fs/file.hpp>
#include <leash/result.hpp>
#include <memory>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// Takes over a descriptor that other code has opened, as a File named `name`. It reads and writes as the descriptor
/// was opened to (fcntl(2), F_GETFL), and has its position; besides that it now closes on exec, the descriptor stays as
/// it is. Whether it waits is the descriptor's to say, too.
///
/// The File owns the descriptor, and is tracked, if the Context has a tracker, as a `TrackedFS` would track it. Nobody
/// else may close the descriptor then, and no other handle of leash may own it.
///
/// After an error the descriptor is the caller's as before, and nothing was changed or closed. Errors:
/// `bad_file_descriptor`; `operation_canceled` or `timed_out` when the Context is done; `track::errc::tracker_closed`.
[[nodiscard]] Result<std::unique_ptr<File>> adopt(Call call, int descriptor, std::string_view name);

// What a call without a Context is told.
Result<std::unique_ptr<File>> adopt(NoContext, std::string_view);

}  // namespace LEASH_NAMESPACE::fs
