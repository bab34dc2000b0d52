#pragma once

#include <leash/config.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <leash/fs/file_lock.hpp>
#include <optional>

namespace LEASH_NAMESPACE::fs::detail {

/// Locks `range` of what `descriptor` is open to in `mode`, or frees it if there is none: F_OFD_SETLK of fcntl(2),
/// whose locks are those of the open file and not of the process. The range must not end behind INT64_MAX. Fails with
/// `resource_unavailable_try_again` if another open file holds some of the range.
[[nodiscard]] Outcome<void> set_lock(int descriptor, std::optional<LockMode> mode, LockRange range) noexcept;

}  // namespace LEASH_NAMESPACE::fs::detail
