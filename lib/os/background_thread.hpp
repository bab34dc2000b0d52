#pragma once

#include <functional>
#include <leash/config.hpp>
#include <thread>

namespace LEASH_NAMESPACE::os {

/// Runs `work` in a thread in which all signals are blocked: signals are the program's business, and a thread
/// that it does not know of must not take them. Throws `std::system_error` if there is no thread to be had.
std::thread start_thread(std::move_only_function<void()> work);

/// The same, detached.
void start_background_thread(std::move_only_function<void()> work);

}  // namespace LEASH_NAMESPACE::os
