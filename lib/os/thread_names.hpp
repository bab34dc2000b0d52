#pragma once

#include <leash/config.hpp>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::os {

/// Gives the calling thread, which leash has started, the name by which `other_threads` knows it.
void name_own_thread() noexcept;

/// The names of the threads of this process, without the calling one and those that leash has started. Empty where the
/// system does not tell.
std::vector<std::string> other_threads();

}  // namespace LEASH_NAMESPACE::os
