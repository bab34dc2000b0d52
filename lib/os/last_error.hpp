#pragma once

#include <cerrno>
#include <leash/config.hpp>
#include <system_error>

namespace LEASH_NAMESPACE::os {

/// The code of the system call that failed last in this thread.
[[nodiscard]] inline std::error_code last_error() noexcept { return {errno, std::generic_category()}; }

}  // namespace LEASH_NAMESPACE::os
