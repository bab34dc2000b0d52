#pragma once

#include <expected>
#include <leash/error.hpp>
#include <utility>

namespace LEASH_NAMESPACE {

/// What a function returns that the outside world can make fail: a value, or the `Error` that says why there is none.
template <class T>
using Result = std::expected<T, Error>;

/// `return fail("open", path, std::errc::no_such_file_or_directory);` in a function that returns a `Result`.
template <class... Arguments>
[[nodiscard]] std::unexpected<Error> fail(Arguments&&... arguments) {
  return std::unexpected<Error>(Error(std::forward<Arguments>(arguments)...));
}

}  // namespace LEASH_NAMESPACE
