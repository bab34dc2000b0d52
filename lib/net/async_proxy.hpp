#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <leash/config.hpp>
#include <leash/net/async_binder.hpp>
#include <leash/net/async_conn.hpp>
#include <leash/net/async_dialer.hpp>
#include <leash/net/async_listener.hpp>
#include <memory>
#include <utility>

/// Base classes for asynchronous decorators. Each passes every operation on to an inner object, at the cost of one
/// virtual call. A decorator overrides the operations that it changes, and passes one on with the function of its base
/// class: `ProxyAsyncDialer::do_async_dial(call, executor, network, address, std::move(handler))`.
namespace LEASH_NAMESPACE::net {

/// Passes every operation on to an AsyncDialer, which must outlive it.
class ProxyAsyncDialer : public AsyncDialer {
 public:
  explicit ProxyAsyncDialer(AsyncDialer& inner LEASH_LIFETIMEBOUND) noexcept : inner_(&inner) {}

  AsyncDialer& inner() const noexcept { return *inner_; }

 protected:
  asio::any_io_executor do_executor() const override { return inner_->do_executor(); }
  void do_async_dial(Call call, const asio::any_io_executor& executor, std::string_view network,
                     std::string_view address, DialHandler handler) override {
    inner_->do_async_dial(call, executor, network, address, std::move(handler));
  }

 private:
  AsyncDialer* inner_;
};

/// Passes every operation on to an AsyncBinder, which must outlive it.
class ProxyAsyncBinder : public AsyncBinder {
 public:
  explicit ProxyAsyncBinder(AsyncBinder& inner LEASH_LIFETIMEBOUND) noexcept : inner_(&inner) {}

  AsyncBinder& inner() const noexcept { return *inner_; }

 protected:
  asio::any_io_executor do_executor() const override { return inner_->do_executor(); }
  void do_async_bind(Call call, std::string_view network, std::string_view address, BindHandler handler) override {
    inner_->do_async_bind(call, network, address, std::move(handler));
  }

 private:
  AsyncBinder* inner_;
};

/// Passes every operation on to an AsyncListener that it owns, and which is not null.
class ProxyAsyncListener : public AsyncListener {
 public:
  explicit ProxyAsyncListener(std::unique_ptr<AsyncListener> inner) noexcept : inner_(std::move(inner)) {}

  AsyncListener& inner() const noexcept { return *inner_; }

 protected:
  asio::any_io_executor do_executor() const override { return inner_->do_executor(); }
  void do_async_accept(Call call, const asio::any_io_executor& executor, AcceptHandler handler) override {
    inner_->do_async_accept(call, executor, std::move(handler));
  }
  Result<void> do_close(std::source_location site) override { return inner_->do_close(site); }
  Address do_address() const override { return inner_->do_address(); }
  int do_native_handle() const noexcept override { return inner_->do_native_handle(); }
  Result<int> do_release(std::source_location site) override { return inner_->do_release(site); }

  /// Destroys the inner listener, in the destructor of a decorator that must outlive it.
  void drop_inner() noexcept { inner_.reset(); }

 private:
  std::unique_ptr<AsyncListener> inner_;
};

/// Passes every operation on to an AsyncConn that it owns, and which is not null.
class ProxyAsyncConn : public AsyncConn {
 public:
  explicit ProxyAsyncConn(std::unique_ptr<AsyncConn> inner) noexcept : inner_(std::move(inner)) {}

 protected:
  asio::any_io_executor do_executor() const override { return inner_->do_executor(); }
  void do_async_read(ReadBuffers buffers, TransferHandler handler, std::source_location site) override {
    inner_->do_async_read(buffers, std::move(handler), site);
  }
  void do_async_write(WriteBuffers buffers, TransferHandler handler, std::source_location site) override {
    inner_->do_async_write(buffers, std::move(handler), site);
  }
  std::size_t do_read(ReadBuffers buffers, asio::error_code& code, std::source_location site) override {
    return inner_->do_read(buffers, code, site);
  }
  std::size_t do_write(WriteBuffers buffers, asio::error_code& code, std::source_location site) override {
    return inner_->do_write(buffers, code, site);
  }
  void do_cancel(std::source_location site) override { inner_->do_cancel(site); }
  Result<void> do_shutdown_write(std::source_location site) override { return inner_->do_shutdown_write(site); }
  Result<void> do_close(std::source_location site) override { return inner_->do_close(site); }
  Result<void> do_reset(std::source_location site) override { return inner_->do_reset(site); }
  Result<void> do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                               std::source_location site) override {
    return inner_->do_set_deadline(direction, deadline, site);
  }
  void do_note(std::string_view text, std::source_location site) override { inner_->do_note(text, site); }
  bool do_is_open() const override { return inner_->do_is_open(); }
  Address do_local_address() const override { return inner_->do_local_address(); }
  Address do_remote_address() const override { return inner_->do_remote_address(); }
  Result<PeerCredentials> do_peer_credentials() const override { return inner_->do_peer_credentials(); }
  int do_native_handle() const noexcept override { return inner_->do_native_handle(); }
  Result<int> do_release(std::source_location site) override { return inner_->do_release(site); }

  /// Destroys the inner connection, in the destructor of a decorator that must outlive it.
  void drop_inner() noexcept { inner_.reset(); }

 private:
  std::unique_ptr<AsyncConn> inner_;
};

}  // namespace LEASH_NAMESPACE::net
