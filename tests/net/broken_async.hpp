#pragma once

#include <asio/any_io_executor.hpp>
#include <functional>
#include <leash/call.hpp>
#include <leash/context.hpp>
#include <leash/net/async_network.hpp>
#include <leash/net/async_proxy.hpp>
#include <leash/net/detail/wrapped_handler.hpp>
#include <memory>
#include <optional>
#include <source_location>
#include <string_view>
#include <utility>

/// Asynchronous decorators that break single promises of what is behind them.
namespace broken {

using leash::Call;
using leash::Context;
using leash::Result;
using leash::net::Address;
using leash::net::AsyncConn;
using leash::net::AsyncListener;
using leash::net::Direction;
using leash::net::Stream;
using leash::net::detail::WrappedHandler;

using TransferHandler = AsyncConn::TransferHandler;
using Buffers = AsyncConn::ReadBuffers;
using ConstBuffers = AsyncConn::WriteBuffers;
using DialHandler = leash::net::AsyncDialer::DialHandler;
using BindHandler = leash::net::AsyncBinder::BindHandler;
using Until = std::optional<leash::Clock::time_point>;

/// The operations of what is behind it, for hooks to call.
class OpenConn final : public leash::net::ProxyAsyncConn {
 public:
  using ProxyAsyncConn::ProxyAsyncConn;

  void read(Buffers buffers, TransferHandler handler) { do_async_read(buffers, std::move(handler), {}); }
  void write(ConstBuffers buffers, TransferHandler handler) { do_async_write(buffers, std::move(handler), {}); }
  Result<void> close() { return do_close({}); }
  Result<void> reset() { return do_reset({}); }
  Result<void> set_deadline(Direction direction, Until until) { return do_set_deadline(direction, until, {}); }

  using ProxyAsyncConn::do_async_read;
  using ProxyAsyncConn::do_async_write;
  using ProxyAsyncConn::do_cancel;
  using ProxyAsyncConn::do_close;
  using ProxyAsyncConn::do_executor;
  using ProxyAsyncConn::do_is_open;
  using ProxyAsyncConn::do_local_address;
  using ProxyAsyncConn::do_native_handle;
  using ProxyAsyncConn::do_note;
  using ProxyAsyncConn::do_peer_credentials;
  using ProxyAsyncConn::do_read;
  using ProxyAsyncConn::do_release;
  using ProxyAsyncConn::do_remote_address;
  using ProxyAsyncConn::do_reset;
  using ProxyAsyncConn::do_set_deadline;
  using ProxyAsyncConn::do_shutdown_write;
  using ProxyAsyncConn::do_write;
};

/// What a broken stream does instead of passing an operation on; nothing for those that it passes on.
struct StreamHooks {
  std::function<void(OpenConn&, Buffers, TransferHandler)> read = {};
  std::function<void(OpenConn&, ConstBuffers, TransferHandler)> write = {};
  std::function<std::size_t(OpenConn&, Buffers, asio::error_code&)> read_now = {};
  std::function<std::size_t(OpenConn&, ConstBuffers, asio::error_code&)> write_now = {};
  std::function<void(OpenConn&)> cancel = {};
  std::function<Result<void>(OpenConn&)> shutdown_write = {};
  std::function<Result<void>(OpenConn&)> close = {};
  std::function<Result<void>(OpenConn&)> reset = {};
  std::function<Result<void>(OpenConn&, Direction, Until)> set_deadline = {};
  std::function<bool(OpenConn&)> is_open = {};
  std::function<Address(OpenConn&)> local_address = {};
  std::function<void(const std::shared_ptr<OpenConn>&)> destroy = {};
};

/// It shares the inner connection, so that its destructor need not be that one's end.
class BrokenAsyncConn final : public AsyncConn {
 public:
  BrokenAsyncConn(std::unique_ptr<AsyncConn> inner, StreamHooks hooks)
      : inner_(std::make_shared<OpenConn>(std::move(inner))), hooks_(std::move(hooks)) {}
  ~BrokenAsyncConn() override {
    if (hooks_.destroy) hooks_.destroy(inner_);
  }

 private:
  using Site = std::source_location;

  asio::any_io_executor do_executor() const override { return inner_->do_executor(); }
  void do_async_read(ReadBuffers buffers, TransferHandler handler, Site site) override {
    if (hooks_.read) return hooks_.read(*inner_, buffers, std::move(handler));
    inner_->do_async_read(buffers, std::move(handler), site);
  }
  void do_async_write(WriteBuffers buffers, TransferHandler handler, Site site) override {
    if (hooks_.write) return hooks_.write(*inner_, buffers, std::move(handler));
    inner_->do_async_write(buffers, std::move(handler), site);
  }
  std::size_t do_read(ReadBuffers buffers, asio::error_code& code, Site site) override {
    return hooks_.read_now ? hooks_.read_now(*inner_, buffers, code) : inner_->do_read(buffers, code, site);
  }
  std::size_t do_write(WriteBuffers buffers, asio::error_code& code, Site site) override {
    return hooks_.write_now ? hooks_.write_now(*inner_, buffers, code) : inner_->do_write(buffers, code, site);
  }
  void do_cancel(Site site) override { hooks_.cancel ? hooks_.cancel(*inner_) : inner_->do_cancel(site); }
  Result<void> do_shutdown_write(Site site) override {
    return hooks_.shutdown_write ? hooks_.shutdown_write(*inner_) : inner_->do_shutdown_write(site);
  }
  Result<void> do_close(Site site) override { return hooks_.close ? hooks_.close(*inner_) : inner_->do_close(site); }
  Result<void> do_reset(Site site) override { return hooks_.reset ? hooks_.reset(*inner_) : inner_->do_reset(site); }
  Result<void> do_set_deadline(Direction direction, Until until, Site site) override {
    if (hooks_.set_deadline) return hooks_.set_deadline(*inner_, direction, until);
    return inner_->do_set_deadline(direction, until, site);
  }
  void do_note(std::string_view text, Site site) override { inner_->do_note(text, site); }
  bool do_is_open() const override { return hooks_.is_open ? hooks_.is_open(*inner_) : inner_->do_is_open(); }
  Address do_local_address() const override {
    return hooks_.local_address ? hooks_.local_address(*inner_) : inner_->do_local_address();
  }
  Address do_remote_address() const override { return inner_->do_remote_address(); }
  Result<leash::net::PeerCredentials> do_peer_credentials() const override { return inner_->do_peer_credentials(); }
  int do_native_handle() const noexcept override { return inner_->do_native_handle(); }
  Result<int> do_release(Site site) override { return inner_->do_release(site); }

  const std::shared_ptr<OpenConn> inner_;
  const StreamHooks hooks_;
};

/// The same for listeners.
class OpenListener final : public leash::net::ProxyAsyncListener {
 public:
  using ProxyAsyncListener::do_async_accept;
  using ProxyAsyncListener::do_close;
  using ProxyAsyncListener::ProxyAsyncListener;
};

struct Hooks {
  /// Of each stream that is dialled with the Context.
  std::function<StreamHooks(const Context&)> stream = {};
  std::function<void(leash::net::AsyncDialer&, Call, asio::any_io_executor, std::string_view, std::string_view,
                     DialHandler)>
      dial = {};
  std::function<void(leash::net::AsyncBinder&, Call, std::string_view, std::string_view, BindHandler)> bind = {};
  std::function<void(OpenListener&, Call, asio::any_io_executor, AsyncListener::AcceptHandler)> accept = {};
  std::function<Result<void>(OpenListener&)> close_listener = {};
};

class BrokenAsyncListener final : public leash::net::ProxyAsyncListener {
 public:
  BrokenAsyncListener(std::unique_ptr<AsyncListener> inner, Hooks hooks)
      : ProxyAsyncListener(std::make_unique<OpenListener>(std::move(inner))), hooks_(std::move(hooks)) {}

 private:
  OpenListener& open() const { return static_cast<OpenListener&>(inner()); }

  void do_async_accept(Call call, const asio::any_io_executor& executor, AcceptHandler handler) override {
    if (hooks_.accept) return hooks_.accept(open(), call, executor, std::move(handler));
    ProxyAsyncListener::do_async_accept(call, executor, std::move(handler));
  }
  Result<void> do_close(std::source_location site) override {
    return hooks_.close_listener ? hooks_.close_listener(open()) : ProxyAsyncListener::do_close(site);
  }

  const Hooks hooks_;
};

class BrokenAsyncDialer final : public leash::net::ProxyAsyncDialer {
 public:
  BrokenAsyncDialer(leash::net::AsyncDialer& inner, Hooks hooks) : ProxyAsyncDialer(inner), hooks_(std::move(hooks)) {}

 private:
  void do_async_dial(Call call, const asio::any_io_executor& executor, std::string_view network,
                     std::string_view address, DialHandler handler) override {
    if (hooks_.dial) return hooks_.dial(inner(), call, executor, network, address, std::move(handler));
    const auto break_and_call = [stream = hooks_.stream, context = call.context()](DialHandler&& inner,
                                                                                   Result<Stream> dialled) {
      if (dialled && stream) dialled = Stream(std::make_unique<BrokenAsyncConn>(dialled->take(), stream(context)));
      inner(std::move(dialled));
    };
    ProxyAsyncDialer::do_async_dial(call, executor, network, address,
                                    DialHandler(WrappedHandler(std::move(handler), break_and_call)));
  }

  const Hooks hooks_;
};

class BrokenAsyncBinder final : public leash::net::ProxyAsyncBinder {
 public:
  BrokenAsyncBinder(leash::net::AsyncBinder& inner, Hooks hooks) : ProxyAsyncBinder(inner), hooks_(std::move(hooks)) {}

 private:
  void do_async_bind(Call call, std::string_view network, std::string_view address, BindHandler handler) override {
    if (hooks_.bind) return hooks_.bind(inner(), call, network, address, std::move(handler));
    const auto break_and_call = [hooks = hooks_](BindHandler&& inner, Result<std::unique_ptr<AsyncListener>> bound) {
      if (bound) bound = std::make_unique<BrokenAsyncListener>(*std::move(bound), hooks);
      inner(std::move(bound));
    };
    ProxyAsyncBinder::do_async_bind(call, network, address,
                                    BindHandler(WrappedHandler(std::move(handler), break_and_call)));
  }

  const Hooks hooks_;
};

/// The networks that `make` makes, broken by `hooks`.
inline leash::net::MakeAsyncNetwork broken_async(leash::net::MakeAsyncNetwork make, Hooks hooks) {
  return [make = std::move(make), hooks = std::move(hooks)](const asio::any_io_executor& executor) {
    struct Both {
      Both(leash::net::AsyncNetwork network, const Hooks& hooks)
          : inner(std::move(network)), dialer(*inner.dialer, hooks), binder(*inner.binder, hooks) {}

      leash::net::AsyncNetwork inner;
      BrokenAsyncDialer dialer;
      BrokenAsyncBinder binder;
    };
    const auto both = std::make_shared<Both>(make(executor), hooks);
    return leash::net::AsyncNetwork{{both, &both->dialer}, {both, &both->binder}};
  };
}

/// A handler that calls `handler`, and has nothing else of it: no executor, no allocator, no cancellation.
template <class... Arguments>
leash::net::Handler<void(Arguments...)> blind(leash::net::Handler<void(Arguments...)> handler) {
  return leash::net::Handler<void(Arguments...)>(
      [handler = std::move(handler)](Arguments... arguments) mutable { handler(std::move(arguments)...); });
}

/// A handler that calls `function` with `handler` and what it is called with.
template <class Function>
TransferHandler around(TransferHandler handler, Function function) {
  return TransferHandler(WrappedHandler(std::move(handler), std::move(function)));
}

}  // namespace broken
