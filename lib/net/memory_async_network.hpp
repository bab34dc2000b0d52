#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <asio/any_io_executor.hpp>
#include <leash/config.hpp>
#include <leash/net/async_binder.hpp>
#include <leash/net/async_dialer.hpp>
#include <leash/net/detail/memory_async_operations.hpp>
#include <leash/net/detail/memory_view.hpp>
#include <leash/net/memory_host.hpp>
#include <leash/net/memory_network.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

/// The asynchronous face of a MemoryNetwork, or of one of its hosts: handlers and coroutines dial, bind and accept in
/// the network that threads use by its blocking members, with the same rules.
///
///     leash::net::MemoryNetwork network;
///     leash::net::MemoryAsyncNetwork async(loop.get_executor(), network);
///
/// May outlive the network.
class MemoryAsyncNetwork final : public AsyncDialer, public AsyncBinder {
 public:
  using executor_type = asio::any_io_executor;

  MemoryAsyncNetwork(asio::any_io_executor executor, const MemoryNetwork& network)
      : executor_(std::move(executor)), view_(network.view()) {}
  MemoryAsyncNetwork(asio::any_io_executor executor, const MemoryHost& host)
      : executor_(std::move(executor)), view_(host.view()) {}

  executor_type get_executor() const { return executor_; }

 private:
  asio::any_io_executor do_executor() const override { return executor_; }

  void do_async_dial(Call call, const asio::any_io_executor& executor, std::string_view network,
                     std::string_view address, DialHandler handler) override {
    detail::MemoryDialOperation::begin(view_, call, executor, network, address, std::move(handler));
  }

  void do_async_bind(Call call, std::string_view network, std::string_view address, BindHandler handler) override {
    detail::memory_async_bind(view_, call, executor_, network, address, std::move(handler));
  }

  const asio::any_io_executor executor_;
  const detail::MemoryView view_;
};

}  // namespace LEASH_NAMESPACE::net
