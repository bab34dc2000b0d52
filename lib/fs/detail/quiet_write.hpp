#pragma once

#include <sys/types.h>

#include <cstddef>
#include <leash/config.hpp>
#include <span>

namespace LEASH_NAMESPACE::fs::detail {

/// Does what write(2) does, except that a pipe or socket which nobody reads gives only the error EPIPE, and never
/// SIGPIPE. The kernel sends that signal to the thread that writes (pipe(7)), so this blocks it in the thread during
/// the write and takes it out of the pending signals afterwards. A SIGPIPE that was pending before the write stays
/// pending.
ssize_t quiet_write(int descriptor, std::span<const std::byte> data) noexcept;

}  // namespace LEASH_NAMESPACE::fs::detail
