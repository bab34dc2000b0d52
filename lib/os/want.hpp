#pragma once

#include <cerrno>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::os {

/// Whether a system call failed with `error` (an errno) for want of descriptors or memory, and so may succeed later:
/// what depends on it is asked again then, and the failure is not remembered.
inline bool is_want(int error) noexcept { return error == EMFILE || error == ENFILE || error == ENOMEM; }

}  // namespace LEASH_NAMESPACE::os
