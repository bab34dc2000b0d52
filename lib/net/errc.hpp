#pragma once

#include <leash/config.hpp>
#include <system_error>

namespace LEASH_NAMESPACE::net {

/// The errors of a Resolver for which `std::errc` has no value.
enum class errc {
  host_not_found = 1,        ///< The host does not exist, or has no address.
  host_not_found_try_again,  ///< No name server answered; a later attempt may succeed.
  resolver_failed,           ///< The name server failed, whatever the name; a later attempt will, too.
};

const std::error_category& error_category() noexcept;
std::error_code make_error_code(errc code) noexcept;

}  // namespace LEASH_NAMESPACE::net

template <>
struct std::is_error_code_enum<leash::net::errc> : std::true_type {};
