#pragma once

#include <sys/types.h>

#include <cstddef>
#include <leash/config.hpp>
#include <span>

namespace LEASH_NAMESPACE::fs::detail {

/// write(2), but a pipe or socket without a reader is the error EPIPE and no SIGPIPE. That signal goes to the thread
/// which writes (pipe(7)): it is blocked there meanwhile, and taken back. One that was pending before is the program's
/// own, and stays so.
ssize_t quiet_write(int descriptor, std::span<const std::byte> data) noexcept;

}  // namespace LEASH_NAMESPACE::fs::detail
