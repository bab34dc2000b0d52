#pragma once

/// For programs that use standalone Asio: the only header of leash that includes it. `<leash/leash.hpp>` does not
/// include this one.
///
/// It makes a coroutine that returns an `asio::awaitable` and takes a `leash::Call` fail to compile, as every other
/// coroutine that takes a Call does. Without this header it would compile, since Asio specializes
/// `std::coroutine_traits` for its awaitables.

#include <asio/awaitable.hpp>
#include <coroutine>
#include <leash/call.hpp>

// With Clang, Asio 1.22 has coroutines only if the program defines this macro.
#if defined(ASIO_HAS_CO_AWAIT)
template <class T, class Executor, class... Parameters>
  requires leash::takes_call<Parameters...>
struct std::coroutine_traits<asio::awaitable<T, Executor>, Parameters...>
    : leash::RefusedCoroutine<asio::awaitable<T, Executor>, Parameters...> {};
#endif
