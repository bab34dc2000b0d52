#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <exception>
#include <leash/net/asio.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "support.hpp"

/// The asynchronous networks that the suite runs over, in one execution context.
struct AsyncNetwork {
  explicit AsyncNetwork(Over over)
      : tcp_dialer(loop.get_executor()),
        tcp_binder(loop.get_executor()),
        async_memory(loop.get_executor(), memory),
        dialer(over == Over::memory ? static_cast<leash::net::AsyncDialer&>(async_memory) : tcp_dialer),
        binder(over == Over::memory ? static_cast<leash::net::AsyncBinder&>(async_memory) : tcp_binder) {}

  asio::io_context loop;
  leash::net::TcpAsyncDialer tcp_dialer;
  leash::net::TcpAsyncBinder tcp_binder;
  leash::net::MemoryNetwork memory;
  leash::net::MemoryAsyncNetwork async_memory;

  leash::net::AsyncDialer& dialer;
  leash::net::AsyncBinder& binder;
};

/// Runs `coroutine` to its end in `loop`, and returns what it returns; what it throws fails the test.
template <class T>
T run(asio::io_context& loop, asio::awaitable<T> coroutine) {
  std::exception_ptr thrown;
  std::optional<T> result;
  asio::co_spawn(loop, std::move(coroutine), [&](std::exception_ptr exception, T value) {
    thrown = std::move(exception);
    if (!thrown) result = std::move(value);
  });
  loop.restart();
  loop.run();
  if (thrown) std::rethrow_exception(thrown);
  REQUIRE(result.has_value());
  return *std::move(result);
}

inline void run(asio::io_context& loop, asio::awaitable<void> coroutine) {
  std::exception_ptr thrown;
  asio::co_spawn(loop, std::move(coroutine), [&](std::exception_ptr exception) { thrown = std::move(exception); });
  loop.restart();
  loop.run();
  if (thrown) std::rethrow_exception(thrown);
}

/// Runs what is ready.
inline void run_ready(asio::io_context& loop) {
  loop.restart();
  loop.poll();
}

/// Both ends of an asynchronous connection, and their listener.
struct StreamPair {
  std::unique_ptr<leash::net::AsyncListener> listener;
  leash::net::Stream near;  ///< Dialled.
  leash::net::Stream far;   ///< Accepted.
};

inline asio::awaitable<StreamPair> open_pair(leash::Context context, leash::net::AsyncDialer& dialer,
                                             leash::net::AsyncBinder& binder) {
  StreamPair pair;
  pair.listener = must(co_await binder.async_bind(context, "tcp", "127.0.0.1:0", asio::use_awaitable));
  pair.near =
      must(co_await dialer.async_dial(context, "tcp", to_string(pair.listener->address()), asio::use_awaitable));
  pair.far = must(co_await pair.listener->async_accept(context, asio::use_awaitable));
  co_return pair;
}

inline StreamPair make_pair(AsyncNetwork& network, const leash::Context& context = {}) {
  return run(network.loop, open_pair(context, network.dialer, network.binder));
}
