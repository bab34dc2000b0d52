#pragma once

#include <expected>
#include <leash/error.hpp>
#include <utility>

namespace LEASH_NAMESPACE {

/// The result of a function that the outside world can make fail: a value, or the `Error` that says why there is none.
template <class T>
using Result = std::expected<T, Error>;

/// An Error made of `arguments`, to be returned as a `Result`:
///
///     return fail("open", path, std::errc::no_such_file_or_directory);
template <class... Arguments>
[[nodiscard]] std::unexpected<Error> fail(Arguments&&... arguments) {
  return std::unexpected<Error>(Error(std::forward<Arguments>(arguments)...));
}

/// Returns the value of a Result by value. On an error it throws `std::bad_expected_access<Error>`, as `value()` does;
/// without exceptions the program ends. For a loop over the value of a temporary Result:
///
///     for (const auto& entry : leash::take(files.read_dir(ctx, "logs"))) …
///
/// There `files.read_dir(ctx, "logs").value()` would dangle: it refers into the Result, which is destroyed before the
/// loop begins, unless the compiler has C++23's longer lifetimes in range-based for (P2718). GCC 12 and Clang 19 lack
/// it.
template <class T>
T take(Result<T> result) {
  return std::move(result).value();
}

}  // namespace LEASH_NAMESPACE
