#pragma once

#include <expected>
#include <leash/config.hpp>
#include <type_traits>
#include <utility>

/// `LEASH_TRY` and `LEASH_CO_TRY`. `<leash/leash.hpp>` does not include them, since they are macros.
///
/// `LEASH_TRY(expression)` is the value of a `Result` (or of any `std::expected`), and leaves the function with its
/// error if there is none: the function returns a `Result`, of whatever type. Nothing for a `Result<void>`.
///
///     Result<std::string> first_line(const Context& ctx, FileSystem& files) {
///       auto file = LEASH_TRY(files.open(ctx, "a"));
///       …
///       LEASH_TRY(file->close());
///
/// The value is an object of its own: that of a temporary is moved, that of a variable is copied (to move it, write
/// `LEASH_TRY(std::move(result))`). `LEASH_CO_TRY` is the same for a coroutine, which it leaves by `co_return`.
///
/// It is a statement expression, as GCC and Clang have it. Let it be a statement, or the whole of an initializer, of an
/// argument or of the right side of an assignment: GCC 12 does not destroy the parts of an aggregate that is being made
/// around it, `Pair{name, LEASH_TRY(…)}`. Nor can it compile a `co_await` in it, so write that before:
/// `auto result = co_await …; auto value = LEASH_CO_TRY(std::move(result));`
#define LEASH_TRY(...) LEASH_DETAIL_TRY(return, LEASH_DETAIL_TRY_NAME(__COUNTER__), __VA_ARGS__)
#define LEASH_CO_TRY(...) LEASH_DETAIL_TRY(co_return, LEASH_DETAIL_TRY_NAME(__COUNTER__), __VA_ARGS__)

// The name differs each time, so that one within another does not shadow it.
#define LEASH_DETAIL_TRY_NAME(number) LEASH_DETAIL_TRY_JOIN(leash_try_, number)
#define LEASH_DETAIL_TRY_JOIN(a, b) a##b
#define LEASH_DETAIL_TRY(leave, result, ...)                                             \
  (__extension__({                                                                       \
    auto&& result = (__VA_ARGS__);                                                       \
    if (!result) leave ::std::unexpected(static_cast<decltype(result)>(result).error()); \
    ::leash::detail::value_of(static_cast<decltype(result)>(result));                    \
  }))

namespace LEASH_NAMESPACE::detail {

template <class Expected>
constexpr auto value_of(Expected&& result) -> typename std::remove_cvref_t<Expected>::value_type {
  if constexpr (!std::is_void_v<typename std::remove_cvref_t<Expected>::value_type>) {
    return *std::forward<Expected>(result);
  }
}

}  // namespace LEASH_NAMESPACE::detail
