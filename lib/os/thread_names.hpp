#pragma once

#include <leash/config.hpp>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::os {

/// A thread of leash is about to be started: it calls `name_own_thread` first of all.
void expect_own_thread() noexcept;

/// It could not be started.
void forget_own_thread() noexcept;

/// Gives the calling thread, which leash has started, the name by which `other_threads` knows it.
void name_own_thread() noexcept;

/// Whether leash has started the calling thread.
bool is_own_thread() noexcept;

/// The names of the threads of this process, without the calling one and those that leash has started. Empty where the
/// system does not tell. Waits for threads of leash that have no name yet.
std::vector<std::string> other_threads();

}  // namespace LEASH_NAMESPACE::os
