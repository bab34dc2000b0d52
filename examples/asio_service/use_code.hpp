#pragma once

#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>

namespace service {

/// For a coroutine that takes the error code as a value: `const auto [code, size] = co_await …`.
inline constexpr auto use_code = asio::experimental::as_tuple(asio::use_awaitable);

}  // namespace service
