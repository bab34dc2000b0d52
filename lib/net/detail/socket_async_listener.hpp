#pragma once

#include <algorithm>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/system_error.hpp>
#include <atomic>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/async_listener.hpp>
#include <leash/net/detail/asio_error.hpp>
#include <leash/net/detail/asio_socket.hpp>
#include <leash/net/detail/async_operation.hpp>
#include <leash/net/detail/socket_async_conn.hpp>
#include <leash/net/detail/socket_listener.hpp>
#include <leash/os/mutex.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/shortage.hpp>
#include <leash/registration.hpp>
#include <leash/result.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// A listening socket, whose descriptor Asio waits for, and the operations under way on it. It and the execution
/// context may end in any order. Thread-safe.
class SharedListener final : public Loop::Member {
 public:
  SharedListener(std::unique_ptr<SocketListener> listener, asio::any_io_executor executor)
      : executor_(std::move(executor)), loop_(Loop::of(executor_)), listener_(std::move(listener)) {}

  /// Gives the descriptor to Asio: an error if there is none for that.
  std::error_code begin() {
    try {
      // The first of an execution context needs descriptors of its own.
      descriptor_.emplace(executor_).assign(listener_->native_handle());
    } catch (const asio::system_error& thrown) {
      descriptor_.reset();
      return error_code_of(thrown.code());
    }
    if (!loop_->add(*this)) context_ended();
    return {};
  }

  const asio::any_io_executor& executor() const noexcept { return executor_; }
  SocketListener& listener() noexcept { return *listener_; }

  /// Calls `handler` when there may be a connection, or the listener was closed.
  template <class WaitHandler>
  void wait(WaitHandler handler) {
    const std::lock_guard<os::Mutex> lock(mutex_);
    if (descriptor_) return descriptor_->async_wait(asio::posix::descriptor_base::wait_read, std::move(handler));
    asio::post(std::move(handler));
  }

  /// Ends the wait of the operation that `signal` belongs to.
  void cancel(asio::cancellation_signal& signal) {
    const std::lock_guard<os::Mutex> lock(mutex_);
    signal.emit(asio::cancellation_type::terminal);
  }

  Result<void> close(std::source_location site) {
    take_descriptor();
    loop_->remove(*this);
    return listener_->close(site);
  }

  Result<int> release(std::source_location site) {
    take_descriptor();
    loop_->remove(*this);
    return listener_->release(site);
  }

 private:
  void wake() noexcept override {}
  void context_ended() noexcept override { take_descriptor(); }

  /// Operations under way end.
  void take_descriptor() noexcept {
    const std::lock_guard<os::Mutex> lock(mutex_);
    if (!descriptor_) return;
    static_cast<void>(descriptor_->release());
    descriptor_.reset();
  }

  const asio::any_io_executor executor_;
  const Ref<Loop> loop_;
  const std::unique_ptr<SocketListener> listener_;
  os::Mutex mutex_;
  std::optional<asio::posix::stream_descriptor> descriptor_;
};

/// One asynchronous accept.
class SocketAcceptOperation final : public AsyncOperation {
 public:
  using AcceptHandler = AsyncListener::AcceptHandler;

  static void begin(const Ref<SharedListener>& listener, Call call, const asio::any_io_executor& executor,
                    AcceptHandler handler) {
    const Ref<SocketAcceptOperation> operation(
        new SocketAcceptOperation(listener, call.context(), executor, std::move(handler)));
    operation->start();
  }

 private:
  SocketAcceptOperation(Ref<SharedListener> listener, Context context, const asio::any_io_executor& executor,
                        AcceptHandler handler)
      : AsyncOperation(Loop::of(executor), handler.get_executor(executor)),
        listener_(std::move(listener)),
        stream_executor_(executor),
        context_(std::move(context)),
        handler_(std::move(handler)) {}

  void step() override {
    const auto subject = [this] { return to_string(listener_->listener().address()); };
    Result<void> checked = context_.done() ? context_.check("accept", subject()) : Result<void>();
    if (checked && cancelled()) checked = fail("accept", subject(), std::errc::operation_canceled);
    if (!checked) return end(std::unexpected(std::move(checked).error()));
    if (!std::exchange(begun_, true)) {
      cancel_by(handler_);
      ended_ = context_.on_cancel([self = Ref<SocketAcceptOperation>(this)] { self->wake(); });
    }
    auto accepted = listener_->listener().accept_now();
    if (accepted) {
      auto socket = to_asio(std::move(accepted->socket), accepted->local.family(), stream_executor_);
      if (!socket) return end(fail("accept", subject(), socket.error()));
      const os::TagFollows tag_follows(has_tag_);
      return end(Stream(
          std::make_unique<SocketAsyncConn>(*std::move(socket), accepted->local, accepted->remote, context_.clock())));
    }
    const std::error_code code = accepted.error();
    if (code == std::errc::operation_would_block) return wait();
    if (!os::is_shortage(code.value()) || !listener_->listener().told_of_want()) {
      return end(fail("accept", subject(), code));
    }
    // The time is the machine's: that of other programs' descriptors.
    timer_ = Clock::real()->at(Clock::real()->now() + back_off_,
                               [self = Ref<SocketAcceptOperation>(this)] { self->wake(); });
    back_off_ = std::min<Clock::duration>(2 * back_off_, SocketListener::longest_back_off);
  }

  void wait() {
    if (waits_.exchange(true)) return;
    listener_->wait(asio::bind_cancellation_slot(
        wait_.slot(),
        asio::bind_executor(executor(), [self = Ref<SocketAcceptOperation>(this)](const asio::error_code& = {}) {
          self->waits_ = false;
          self->step_now();
        })));
  }

  void let_go() noexcept {
    timer_.reset();
    ended_.reset();
    // Else the execution context would have work until the next connection.
    if (waits_) listener_->cancel(wait_);
  }

  void end(Result<Stream> result) {
    let_go();
    complete(std::move(handler_), std::move(result));
  }

  void drop() noexcept override {
    let_go();
    handler_ = {};
  }

  const Ref<SharedListener> listener_;
  const asio::any_io_executor stream_executor_;
  const Context context_;
  const bool has_tag_ = os::tag_follows();  ///< Whoever accepts puts a tag on the stream.
  AcceptHandler handler_;
  bool begun_ = false;
  std::atomic<bool> waits_{false};  ///< For Asio.
  asio::cancellation_signal wait_;
  Clock::duration back_off_ = SocketListener::back_off;
  Registration ended_;
  Registration timer_;
};

/// A listener over a socket that Asio waits for.
class SocketAsyncListener final : public AsyncListener {
 public:
  explicit SocketAsyncListener(Ref<SharedListener> listener) : listener_(std::move(listener)) {}
  ~SocketAsyncListener() override { static_cast<void>(listener_->close(std::source_location::current())); }

 private:
  asio::any_io_executor do_executor() const override { return listener_->executor(); }
  void do_async_accept(Call call, const asio::any_io_executor& executor, AcceptHandler handler) override {
    SocketAcceptOperation::begin(listener_, call, executor, std::move(handler));
  }
  Result<void> do_close(std::source_location site) override { return listener_->close(site); }
  Address do_address() const override { return listener_->listener().address(); }
  int do_native_handle() const noexcept override { return listener_->listener().native_handle(); }
  Result<int> do_release(std::source_location site) override { return listener_->release(site); }

  const Ref<SharedListener> listener_;
};

}  // namespace LEASH_NAMESPACE::net::detail
