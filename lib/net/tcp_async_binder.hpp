#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <asio/any_io_executor.hpp>
#include <leash/config.hpp>
#include <leash/net/async_binder.hpp>
#include <leash/net/detail/tcp_bind_operation.hpp>
#include <leash/net/tcp_binder.hpp>
#include <memory>
#include <utility>

namespace LEASH_NAMESPACE::net {

/// Listens for TCP connections, and for those of the network "unix", as a TcpBinder does: the same choice of addresses,
/// the same options and errors. Names are resolved by `Resolver::async_resolve`.
class TcpAsyncBinder final : public AsyncBinder {
 public:
  using Options = TcpBinder::Options;

  explicit TcpAsyncBinder(asio::any_io_executor executor, Options options = {})
      : executor_(std::move(executor)), options_(std::make_shared<Options>(std::move(options))) {}

 private:
  asio::any_io_executor do_executor() const override { return executor_; }

  void do_async_bind(Call call, std::string_view network, std::string_view address, BindHandler handler) override {
    detail::TcpBindOperation::begin(call, executor_, network, address, options_, std::move(handler));
  }

  const asio::any_io_executor executor_;
  const std::shared_ptr<const Options> options_;
};

}  // namespace LEASH_NAMESPACE::net
