#pragma once

#include <leash/config.hpp>
#include <system_error>

namespace LEASH_NAMESPACE::net {

/// The error codes of this layer: what a resolver says. All else is `std::errc`.
enum class errc {
  host_not_found = 1,        ///< There is no such host, or it has no address.
  host_not_found_try_again,  ///< No server answered; it may do so later.
  resolver_failed,           ///< The resolver failed for good, and not because of the name.
};

const std::error_category& error_category() noexcept;
std::error_code make_error_code(errc code) noexcept;

}  // namespace LEASH_NAMESPACE::net

template <>
struct std::is_error_code_enum<leash::net::errc> : std::true_type {};
