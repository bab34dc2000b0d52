#pragma once

#include <cerrno>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::os {

/// Whether `error`, the errno of a system call, says that the process or the system is out of descriptors or memory.
/// Such a call may succeed later: callers try it again, and do not remember the failure as the answer.
inline bool is_shortage(int error) noexcept { return error == EMFILE || error == ENFILE || error == ENOMEM; }

}  // namespace LEASH_NAMESPACE::os
