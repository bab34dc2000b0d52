#pragma once

/// For programs that use standalone Asio: the one header of leash that includes it. `<leash/leash.hpp>` does not
/// include this one.
///
/// A coroutine that returns an `asio::awaitable` and takes a `leash::Call` does not compile, as any other that takes a
/// Call; without this header it would, since Asio has a `std::coroutine_traits` of its own.

#include <asio/awaitable.hpp>
#include <coroutine>
#include <leash/call.hpp>

// Asio 1.22 has coroutines with Clang only where the program defines this.
#if defined(ASIO_HAS_CO_AWAIT)
template <class T, class Executor, class... Parameters>
  requires leash::takes_call<Parameters...>
struct std::coroutine_traits<asio::awaitable<T, Executor>, Parameters...>
    : leash::RefusedCoroutine<asio::awaitable<T, Executor>, Parameters...> {};
#endif
