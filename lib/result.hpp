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

/// The value of a Result, as an object of its own. Use it where the Result is a temporary and the value is iterated or
/// bound:
///
///     for (const auto& entry : leash::take(files.read_dir(ctx, "logs"))) …
///
/// `files.read_dir(ctx, "logs").value()` is a reference into the Result, which is gone before the first round of the
/// loop where the compiler lacks C++23's rule for that (P2718), as GCC 12 and Clang 19 do. On an error it throws
/// `std::bad_expected_access<Error>`, as `value()` does; without exceptions the program ends.
template <class T>
T take(Result<T> result) {
  return std::move(result).value();
}

}  // namespace LEASH_NAMESPACE
