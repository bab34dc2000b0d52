#pragma once

#include <functional>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::os {

/// Runs `work` to its end in a thread whose table of descriptors is its own and empty, so that it can open files while
/// the process has none left: RLIMIT_NOFILE counts per table. Descriptors of the process mean nothing in there, and
/// what is left open is closed. An exception of `work` comes out here.
///
/// False, and `work` was not called, where there is no thread to be had, or the kernel does not give one a table
/// (close_range(2) with CLOSE_RANGE_UNSHARE: Linux 5.9, and no filter of system calls that forbids it).
bool run_with_unshared_descriptors(const std::function<void()>& work);

}  // namespace LEASH_NAMESPACE::os
