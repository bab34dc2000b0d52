#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/handler.hpp>
#include <leash/net/stream.hpp>
#include <leash/result.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::net {

/// Opens asynchronous connections: what a Dialer is to threads. A coroutine that is given one runs over TCP in
/// production and over memory in its test:
///
///     asio::awaitable<Result<Stream>> connect(leash::Context ctx, leash::net::AsyncDialer& dialer) {
///       co_return co_await dialer.async_dial(ctx, "tcp", "db.internal:5432", asio::use_awaitable);
///     }
///
/// Any number of threads may dial at once.
class AsyncDialer {
 public:
  using executor_type = asio::any_io_executor;
  using DialHandler = Handler<void(Result<Stream>)>;

  AsyncDialer(const AsyncDialer&) = delete;
  AsyncDialer& operator=(const AsyncDialer&) = delete;
  virtual ~AsyncDialer() = default;

  /// That of the streams that `async_dial` without an executor opens.
  executor_type get_executor() const { return do_executor(); }

  /// Connects to `address` over `network`, as `Dialer::dial` does, and completes with `void(Result<Stream>)`: with the
  /// same errors; no coroutine throws for what the network did. The Context of `call` is copied in this call, and ends
  /// the dial when it is done. All types of cancellation end it too, with `operation_canceled`. A dial that fails
  /// leaves nothing open. The dialer must live until the handler is called.
  template <class CompletionToken>
  auto async_dial(Call call, std::string_view network, std::string_view address, CompletionToken&& token) {
    return async_dial(call, do_executor(), network, address, std::forward<CompletionToken>(token));
  }

  /// As above, for a Stream with this executor: for a program that has several execution contexts, or a strand for each
  /// connection.
  template <class CompletionToken>
  auto async_dial(Call call, asio::any_io_executor executor, std::string_view network, std::string_view address,
                  CompletionToken&& token) {
    return asio::async_initiate<CompletionToken, void(Result<Stream>)>(
        Initiation{this, call.context(), call.site(), std::move(executor)}, token, std::string(network),
        std::string(address));
  }

 protected:
  AsyncDialer() = default;

  virtual asio::any_io_executor do_executor() const = 0;

  /// What an implementation provides; see AsyncConn for what holds for its handler. It copies what it keeps of the
  /// Call. It checks the Context, which may be done.
  virtual void do_async_dial(Call call, const asio::any_io_executor& executor, std::string_view network,
                             std::string_view address, DialHandler handler) = 0;

 private:
  friend class ProxyAsyncDialer;

  struct Initiation {
    using executor_type = asio::any_io_executor;
    executor_type get_executor() const noexcept { return executor; }

    template <class Target>
    void operator()(Target&& target, const std::string& network, const std::string& address) const {
      dialer->do_async_dial(Call(context, site), executor, network, address, DialHandler(std::forward<Target>(target)));
    }

    AsyncDialer* dialer;
    Context context;
    std::source_location site;
    asio::any_io_executor executor;
  };
};

}  // namespace LEASH_NAMESPACE::net
