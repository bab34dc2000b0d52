#pragma once

#include <cerrno>
#include <leash/config.hpp>
#include <system_error>

namespace LEASH_NAMESPACE::os {

/// errno of the calling thread, as an error code.
[[nodiscard]] inline std::error_code last_error() noexcept { return {errno, std::generic_category()}; }

}  // namespace LEASH_NAMESPACE::os
