#pragma once

#include <functional>
#include <leash/config.hpp>
#include <thread>

namespace LEASH_NAMESPACE::os {

/// Runs `work` in a new thread that has all signals blocked: the program's signal handlers must not run in a thread
/// that the program did not start. Throws `std::system_error` if the thread cannot be created. Thread-safe.
std::thread start_thread(std::move_only_function<void()> work);

/// As `start_thread`, but no one joins the thread. An exception that leaves `work` ends the program.
void start_background_thread(std::move_only_function<void()> work);

}  // namespace LEASH_NAMESPACE::os
