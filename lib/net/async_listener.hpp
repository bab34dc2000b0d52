#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/address.hpp>
#include <leash/net/async_dialer.hpp>
#include <leash/net/stream.hpp>
#include <leash/result.hpp>
#include <source_location>
#include <utility>

namespace LEASH_NAMESPACE::net {

/// Waits for connections at one address: what a Listener is to threads. The destructor closes it; operations under way
/// then end with `bad_file_descriptor`, as they do with `close`.
///
/// It may outlive the AsyncBinder, the Context and the tracker that it came from; where it outlives its execution
/// context, it must only be closed or destroyed. Any number of accepts may be under way, and any thread may call
/// `close`; else one thread at a time uses it.
class AsyncListener {
 public:
  using executor_type = asio::any_io_executor;
  using AcceptHandler = Handler<void(Result<Stream>)>;

  AsyncListener(const AsyncListener&) = delete;
  AsyncListener& operator=(const AsyncListener&) = delete;
  virtual ~AsyncListener() = default;

  /// That of the streams that `async_accept` without an executor accepts.
  executor_type get_executor() const { return do_executor(); }

  /// Waits for the next connection, and completes with `void(Result<Stream>)`; with the errors of `Listener::accept`.
  /// The Context of `call` is copied in this call, and ends the wait when it is done. All types of cancellation end it
  /// too, with `operation_canceled`; a connection that was accepted at that moment is delivered, and else waits for the
  /// next accept.
  template <class CompletionToken>
  auto async_accept(Call call, CompletionToken&& token) {
    return async_accept(call, do_executor(), std::forward<CompletionToken>(token));
  }

  /// As above, for a Stream with this executor.
  template <class CompletionToken>
  auto async_accept(Call call, asio::any_io_executor executor, CompletionToken&& token) {
    return asio::async_initiate<CompletionToken, void(Result<Stream>)>(
        Initiation{this, call.context(), call.site(), std::move(executor)}, token);
  }

  /// Closes the listener, as `Listener::close` does.
  Result<void> close(std::source_location site = std::source_location::current()) { return do_close(site); }

  /// Ends it without closing its descriptor, and returns that, as `Listener::release` does. Accepts that are under way
  /// end with `bad_file_descriptor`.
  [[nodiscard]] Result<int> release(std::source_location site = std::source_location::current()) {
    return do_release(site);
  }

  /// The address it listens at, with the port that the system chose for port 0; also after `close`.
  [[nodiscard]] Address address() const { return do_address(); }

  /// The descriptor of the listener, which still owns it; -1 if the listener has none or is closed.
  [[nodiscard]] int native_handle() const noexcept { return do_native_handle(); }

 protected:
  AsyncListener() = default;

  virtual asio::any_io_executor do_executor() const = 0;

  /// As for `AsyncDialer::do_async_dial`.
  virtual void do_async_accept(Call call, const asio::any_io_executor& executor, AcceptHandler handler) = 0;
  virtual Result<void> do_close(std::source_location site) = 0;
  virtual Address do_address() const = 0;
  virtual int do_native_handle() const noexcept = 0;
  /// The default has no descriptor.
  virtual Result<int> do_release(std::source_location /*site*/) {
    return fail("release", to_string(do_address()), std::errc::operation_not_supported,
                "the listener has no descriptor");
  }

 private:
  friend class ProxyAsyncListener;

  struct Initiation {
    using executor_type = asio::any_io_executor;
    executor_type get_executor() const noexcept { return executor; }

    template <class Target>
    void operator()(Target&& target) const {
      listener->do_async_accept(Call(context, site), executor, AcceptHandler(std::forward<Target>(target)));
    }

    AsyncListener* listener;
    Context context;
    std::source_location site;
    asio::any_io_executor executor;
  };
};

}  // namespace LEASH_NAMESPACE::net
