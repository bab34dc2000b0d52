#pragma once

#include <leash/config.hpp>
#include <leash/error.hpp>
#include <string>

namespace LEASH_NAMESPACE::detail {

/// What `error` says besides the operation and the subject, if these are those of `plain`, an Error of the same code
/// without a detail; else all that it says.
std::string reason_of(const Error& error, const Error& plain);

}  // namespace LEASH_NAMESPACE::detail
