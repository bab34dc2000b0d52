#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/read.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <exception>
#include <leash/net/asio.hpp>
#include <memory>
#include <optional>
#include <string>
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

/// Whether four bytes go from one to the other.
inline bool carries(asio::io_context& loop, leash::net::Stream& from, leash::net::Stream& to) {
  std::string text(4, '\0');
  run(loop, [](leash::net::Stream& sender, leash::net::Stream& receiver, std::string& got) -> asio::awaitable<void> {
    co_await asio::async_write(sender, asio::buffer("ping", 4), asio::use_awaitable);
    co_await asio::async_read(receiver, asio::buffer(got), asio::use_awaitable);
  }(from, to, text));
  return text == "ping";
}

/// What a handler says when it is destroyed uncalled.
struct Fate {
  int called = 0;
  int destroyed = 0;
};

class Witness {
 public:
  explicit Witness(Fate& fate) : fate_(&fate) {}
  Witness(Witness&& other) noexcept : fate_(std::exchange(other.fate_, nullptr)) {}
  ~Witness() {
    if (fate_ != nullptr) ++fate_->destroyed;
  }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  Witness& operator=(Witness&&) = delete;

  template <class... Arguments>
  void operator()(Arguments&&...) {
    ++fate_->called;
  }

 private:
  Fate* fate_;
};
