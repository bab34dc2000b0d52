#pragma once

#include <array>
#include <asio/buffer.hpp>
#include <asio/error_code.hpp>
#include <asio/io_context.hpp>
#include <functional>
#include <leash/net/asio.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "support.hpp"

using leash::Context;
using leash::Result;
using leash::net::AsyncListener;
using leash::net::Operation;
using leash::net::OperationKind;
using leash::net::Stream;

/// A hook that is two functions which a test sets.
class AsyncHook final : public leash::net::AsyncNetworkHook {
 public:
  using AsyncNetworkHook::AsyncNext;
  using AsyncNetworkHook::Done;
  using AsyncNetworkHook::Next;
  using AsyncNetworkHook::wrap;
  using Around = std::function<void(Operation&, AsyncNext, Done)>;
  static void pass_on(Operation&, const AsyncNext& next, Done done) { next(std::move(done)); }

  Around function = pass_on;
  std::function<Result<void>(Operation&, Next)> now = [](Operation&, Next next) { return next(); };

 private:
  void around_async(Operation& operation, AsyncNext next, Done done) override {
    function(operation, std::move(next), std::move(done));
  }
  Result<void> around(Operation& operation, Next next) override { return now(operation, next); }
};

/// What an operation has completed with; the handler is called once at most.
template <class T>
class Completed {
 public:
  auto handler() {
    return [state = state_](auto&&... result) {
      CHECK_FALSE(state->has_value());
      state->emplace(std::forward<decltype(result)>(result)...);
    };
  }
  bool there() const { return state_->has_value(); }
  /// Whether the handler is gone, called or not.
  bool handler_gone() const { return state_.use_count() == 1; }
  T& operator*() { return **state_; }
  T* operator->() { return &**state_; }

 private:
  std::shared_ptr<std::optional<T>> state_ = std::make_shared<std::optional<T>>();
};

struct Transferred {
  asio::error_code code;
  std::size_t count = 0;
};

/// A network with a hook.
struct AsyncHooked {
  explicit AsyncHooked(Over over)
      : in_memory(over == Over::memory),
        inner_dialer(in_memory ? static_cast<leash::net::AsyncDialer&>(memory) : tcp_dialer),
        inner_binder(in_memory ? static_cast<leash::net::AsyncBinder&>(memory) : tcp_binder) {
    dialer.emplace(inner_dialer, *hook);
    binder.emplace(inner_binder, *hook);
  }

  void poll() {
    loop.restart();
    loop.poll();
  }

  template <class T>
  T& wait(Completed<T>& completed) {
    loop.restart();
    while (!completed.there()) REQUIRE(loop.run_one() == 1);
    return *completed;
  }

  Completed<Result<std::unique_ptr<AsyncListener>>> bind(const leash::Call& call, std::string_view over = "tcp",
                                                         std::string_view address = "127.0.0.1:0") {
    Completed<Result<std::unique_ptr<AsyncListener>>> completed;
    binder->async_bind(call, over, address, completed.handler());
    return completed;
  }
  Completed<Result<Stream>> dial(const leash::Call& call, std::string_view address, std::string_view over = "tcp") {
    Completed<Result<Stream>> completed;
    dialer->async_dial(call, over, address, completed.handler());
    return completed;
  }

  /// Connects, with a hook that only passes on.
  void connect(const Context& ctx = Context()) {
    const auto function = std::exchange(hook->function, AsyncHook::pass_on);
    auto bound = bind(ctx);
    listener = must(std::move(wait(bound)));
    auto dialled = dial(ctx, to_string(listener->address()));
    Completed<Result<Stream>> accepted;
    listener->async_accept(ctx, accepted.handler());
    near = must(std::move(wait(dialled)));
    far = must(std::move(wait(accepted)));
    hook->function = function;
  }

  leash::net::MemoryNetwork network;
  asio::io_context loop;
  leash::net::MemoryAsyncNetwork memory{loop.get_executor(), network};
  leash::net::TcpAsyncDialer tcp_dialer{loop.get_executor()};
  leash::net::TcpAsyncBinder tcp_binder{loop.get_executor()};
  const bool in_memory;
  leash::net::AsyncDialer& inner_dialer;
  leash::net::AsyncBinder& inner_binder;
  std::unique_ptr<AsyncHook> hook = std::make_unique<AsyncHook>();
  std::optional<leash::net::HookedAsyncDialer> dialer;
  std::optional<leash::net::HookedAsyncBinder> binder;

  std::unique_ptr<AsyncListener> listener;
  Stream near;  ///< Dialled.
  Stream far;   ///< Accepted.
  std::array<char, 64> buffer{};

  Completed<Transferred> read(Stream& stream, std::size_t size = 64) {
    Completed<Transferred> completed;
    stream.async_read_some(asio::buffer(buffer, size), completed.handler());
    return completed;
  }
  Completed<Transferred> write(Stream& stream, std::string_view text) {
    Completed<Transferred> completed;
    stream.async_write_some(asio::buffer(text), completed.handler());
    return completed;
  }
  std::string_view text(std::size_t count) const { return {buffer.data(), count}; }
};

/// A hook's function that keeps what it is given.
struct KeptOperation {
  Operation* operation = nullptr;
  std::optional<AsyncHook::AsyncNext> next;
  AsyncHook::Done done;

  auto function() {
    return [this](Operation& op, AsyncHook::AsyncNext passed_next, AsyncHook::Done passed_done) {
      operation = &op;
      next.emplace(std::move(passed_next));
      done = std::move(passed_done);
    };
  }
};
