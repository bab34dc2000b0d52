#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/async_listener.hpp>
#include <leash/net/handler.hpp>
#include <leash/result.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::net {

/// Opens asynchronous listeners: what a Binder is to threads. Any number of threads may bind at once.
class AsyncBinder {
 public:
  using executor_type = asio::any_io_executor;
  using BindHandler = Handler<void(Result<std::unique_ptr<AsyncListener>>)>;

  AsyncBinder(const AsyncBinder&) = delete;
  AsyncBinder& operator=(const AsyncBinder&) = delete;
  virtual ~AsyncBinder() = default;

  /// That of the listeners that it opens.
  executor_type get_executor() const { return do_executor(); }

  /// Listens at `address` over `network`, as `Binder::bind` does, and completes with
  /// `void(Result<std::unique_ptr<AsyncListener>>)`; with the same errors. It is asynchronous since a name may have to
  /// be resolved. The Context, cancellation and lifetime are as for `AsyncDialer::async_dial`.
  template <class CompletionToken>
  auto async_bind(Call call, std::string_view network, std::string_view address, CompletionToken&& token) {
    return asio::async_initiate<CompletionToken, void(Result<std::unique_ptr<AsyncListener>>)>(
        Initiation{this, call.context(), call.site()}, token, std::string(network), std::string(address));
  }

 protected:
  AsyncBinder() = default;

  virtual asio::any_io_executor do_executor() const = 0;

  /// As for `AsyncDialer::do_async_dial`.
  virtual void do_async_bind(Call call, std::string_view network, std::string_view address, BindHandler handler) = 0;

 private:
  friend class ProxyAsyncBinder;

  struct Initiation {
    using executor_type = asio::any_io_executor;
    executor_type get_executor() const { return binder->do_executor(); }

    template <class Target>
    void operator()(Target&& target, const std::string& network, const std::string& address) const {
      binder->do_async_bind(Call(context, site), network, address, BindHandler(std::forward<Target>(target)));
    }

    AsyncBinder* binder;
    Context context;
    std::source_location site;
  };
};

}  // namespace LEASH_NAMESPACE::net
