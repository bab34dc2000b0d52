#pragma once

#include <functional>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::os {

/// Runs `work` in a new thread that has a descriptor table of its own, which is empty, and waits until it has returned.
/// So `work` can open files when the process has no descriptor left: RLIMIT_NOFILE limits each table. In `work` the
/// descriptors of the process do not exist; those that it leaves open are closed. Throws what `work` throws.
///
/// Returns false, without a call of `work`, if no thread can be created or the kernel gives it no table of its own:
/// that needs close_range(2) with CLOSE_RANGE_UNSHARE (Linux 5.9), which a filter of system calls may forbid.
/// Thread-safe.
bool run_with_unshared_descriptors(const std::function<void()>& work);

}  // namespace LEASH_NAMESPACE::os
