#pragma once

#include <cerrno>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::os {

/// Repeats a system call that signals interrupt, until it is through.
template <class SystemCall>
auto retry(SystemCall system_call) {
  for (;;) {
    const auto result = system_call();
    if (result != -1 || errno != EINTR) return result;
  }
}

}  // namespace LEASH_NAMESPACE::os
