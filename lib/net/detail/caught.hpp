#pragma once

#include <leash/config.hpp>
#include <leash/error.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::net::detail {

/// The Error that tells what a `catch` block has caught, of this operation and subject: for a `std::system_error` its
/// code, otherwise `operation_canceled`, each with `what()` as the detail. For a `std::bad_alloc`, and if there is no
/// memory for another Error, a copy of `no_memory`. To be called in a `catch` block.
Error caught(std::string_view operation, std::string_view subject, const Error& no_memory) noexcept;

}  // namespace LEASH_NAMESPACE::net::detail
