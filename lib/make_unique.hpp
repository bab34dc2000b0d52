#pragma once

#include <leash/call.hpp>
#include <memory>
#include <type_traits>
#include <utility>

namespace LEASH_NAMESPACE {

/// `std::make_unique<T>` for a T whose constructor takes a Call first. The site of that Call is the line that calls
/// this.
///
///     auto client = leash::make_unique<Client>(ctx, dialer, "localhost:80");
///
/// Throws what the constructor does, and `std::bad_alloc`.
template <class T, class... Arguments>
  requires std::is_constructible_v<T, Call, Arguments...>
[[nodiscard]] std::unique_ptr<T> make_unique(Call call, Arguments&&... arguments) {
  return std::make_unique<T>(call, std::forward<Arguments>(arguments)...);
}

/// As `make_unique`, for `std::make_shared<T>`.
template <class T, class... Arguments>
  requires std::is_constructible_v<T, Call, Arguments...>
[[nodiscard]] std::shared_ptr<T> make_shared(Call call, Arguments&&... arguments) {
  return std::make_shared<T>(call, std::forward<Arguments>(arguments)...);
}

}  // namespace LEASH_NAMESPACE
