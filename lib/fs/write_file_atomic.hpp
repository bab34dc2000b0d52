#pragma once

#include <cstdint>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/fs/path_arg.hpp>
#include <leash/result.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// How a file is written.
struct AtomicWriteOptions {
  std::uint32_t mode = 0666;  ///< As in `OpenOptions`, for a file that was not there before.
  bool sync = true;           ///< Waits until content and name have reached the device: a crash loses neither.
};

/// Writes `content` to a new file beside `path`, and renames it to `path`. Whoever opens `path` at any time finds the
/// old content or the new one, whole; so does who opens it after a failure, be it a full disk or the end of the
/// process.
///
/// A file that was there keeps its permission bits (not set-user-ID, set-group-ID and sticky), but not its owner, times
/// and further names: those keep the old content. A symbolic link at `path` is replaced, and what it points to is left
/// as it is, as in Go's renameio and GLib's `g_file_set_contents`. The process may be killed in between: then a file
/// named `.leash-` and 20 letters and digits is left in the directory.
///
/// Errors: those of each step, after which the new file is removed (if that fails too, the reason is among the causes);
/// `is_a_directory`; `operation_not_supported` for a FIFO, a socket or a device, which are written to and not replaced;
/// `operation_canceled` or `timed_out` when the Context is done before the end. If only the last step fails, which is
/// `sync_dir`, the new content is in place, but may be lost in a crash of the machine.
[[nodiscard]] Result<void> write_file_atomic(Call call, FileSystem& files, PathArg path, std::string_view content,
                                             const AtomicWriteOptions& options = {});

// What a call without a Context is told.
Result<void> write_file_atomic(NoContext, PathArg, std::string_view, const AtomicWriteOptions& = {});

}  // namespace LEASH_NAMESPACE::fs
