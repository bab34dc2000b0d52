#pragma once

#include <expected>
#include <leash/config.hpp>
#include <leash/error.hpp>
#include <leash/os/last_error.hpp>
#include <string_view>
#include <system_error>

namespace LEASH_NAMESPACE::fs::detail {

/// The result of one step of an operation: a value, or the error code alone. The caller, which knows the operation and
/// the path, makes a Result of it (`named`).
template <class T>
using Outcome = std::expected<T, std::error_code>;

/// `return refuse(std::errc::not_a_directory);` in a function that returns an `Outcome`.
template <class Code>
[[nodiscard]] std::unexpected<std::error_code> refuse(Code code) {
  return std::unexpected<std::error_code>(make_error_code(code));
}

/// `refuse` with the code in `errno`.
[[nodiscard]] inline std::unexpected<std::error_code> refuse_last() noexcept {
  return std::unexpected<std::error_code>(os::last_error());
}

}  // namespace LEASH_NAMESPACE::fs::detail
