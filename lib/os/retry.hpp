#pragma once

#include <cerrno>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::os {

/// Calls `system_call` until it no longer fails with EINTR. Returns its last result; errno is that of the last call.
template <class SystemCall>
auto retry(SystemCall system_call) {
  for (;;) {
    const auto result = system_call();
    if (result != -1 || errno != EINTR) return result;
  }
}

}  // namespace LEASH_NAMESPACE::os
