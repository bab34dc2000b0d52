#pragma once

#include <leash/config.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <leash/result.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace LEASH_NAMESPACE::fs::detail {

/// Turns an Outcome into a Result, whose Error names the operation and the path.
template <class T>
[[nodiscard]] Result<T> named(std::string_view operation, std::string_view path, Outcome<T> outcome) {
  if (!outcome) return fail(operation, path, outcome.error());
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return *std::move(outcome);
  }
}

/// The same for an operation on two paths: the Error names them as `from -> to`.
[[nodiscard]] inline Result<void> named(std::string_view operation, std::string_view from, std::string_view to,
                                        Outcome<void> outcome) {
  if (!outcome) return fail(operation, std::string(from).append(" -> ").append(to), outcome.error());
  return {};
}

}  // namespace LEASH_NAMESPACE::fs::detail
