#pragma once

#include <sys/types.h>

#include <array>
#include <ctime>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <leash/fs/space.hpp>
#include <optional>

namespace LEASH_NAMESPACE::fs::detail {

/// The times for utimensat(2) and its like.
using TwoTimes = std::array<timespec, 2>;

[[nodiscard]] TwoTimes to_two_times(std::optional<Clock::system_time_point> accessed,
                                    std::optional<Clock::system_time_point> modified) noexcept;

// The descriptors may be O_PATH ones. An operation on a path opens such a one beneath the root, and then acts on what
// it is open to: no link and no rename comes between, nothing happens to a device or FIFO by opening it, and no
// permission to read or write it is needed.

/// chmod(2) for what `descriptor` is open to, which is no symbolic link. Fails with `operation_not_supported` where the
/// kernel is older than 6.6 and there is no /proc.
[[nodiscard]] Outcome<void> change_mode(int descriptor, mode_t mode);

/// utimensat(2) for what `descriptor` is open to, which is no symbolic link. Fails with `operation_not_supported` where
/// the kernel is older than 5.8 and there is no /proc.
[[nodiscard]] Outcome<void> change_times(int descriptor, const TwoTimes& times);

/// What statvfs(3) says of where the file is stored.
[[nodiscard]] Outcome<Space> space_of(int descriptor);

}  // namespace LEASH_NAMESPACE::fs::detail
