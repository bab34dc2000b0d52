#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <asio/any_io_executor.hpp>
#include <leash/config.hpp>
#include <leash/net/async_dialer.hpp>
#include <leash/net/detail/tcp_dial_operation.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <memory>
#include <utility>

namespace LEASH_NAMESPACE::net {

/// Connects over TCP, and over the sockets of the network "unix", as a TcpDialer does: the same race of addresses, the
/// same options and errors. Names are resolved by `Resolver::async_resolve`. The sockets are Asio's, of the execution
/// context of the Stream. There is no thread an operation.
///
/// What `Options::control` throws ends the dial with `operation_canceled`, and its text as the detail.
class TcpAsyncDialer final : public AsyncDialer {
 public:
  using Options = TcpDialer::Options;

  explicit TcpAsyncDialer(asio::any_io_executor executor, Options options = {})
      : executor_(std::move(executor)), options_(std::make_shared<Options>(std::move(options))) {}

 private:
  asio::any_io_executor do_executor() const override { return executor_; }

  void do_async_dial(Call call, const asio::any_io_executor& executor, std::string_view network,
                     std::string_view address, DialHandler handler) override {
    detail::TcpDialOperation::begin(call, executor, network, address, options_, std::move(handler));
  }

  const asio::any_io_executor executor_;
  const std::shared_ptr<const Options> options_;
};

}  // namespace LEASH_NAMESPACE::net
