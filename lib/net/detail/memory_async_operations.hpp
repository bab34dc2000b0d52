#pragma once

#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/async_binder.hpp>
#include <leash/net/async_dialer.hpp>
#include <leash/net/async_listener.hpp>
#include <leash/net/detail/async_operation.hpp>
#include <leash/net/detail/completion.hpp>
#include <leash/net/detail/memory_async_conn.hpp>
#include <leash/net/detail/memory_view.hpp>
#include <leash/registration.hpp>
#include <leash/result.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// An asynchronous dial in memory.
class MemoryDialOperation final : public AsyncOperation {
 public:
  using DialHandler = AsyncDialer::DialHandler;

  static void begin(const MemoryView& view, Call call, const asio::any_io_executor& executor, std::string_view network,
                    std::string_view address, DialHandler handler) {
    const Ref<MemoryDialOperation> operation(
        new MemoryDialOperation(view, call.context(), executor, network, address, std::move(handler)));
    operation->start();
  }

 private:
  MemoryDialOperation(const MemoryView& view, const Context& context, const asio::any_io_executor& executor,
                      std::string_view network, std::string_view address, DialHandler handler)
      : AsyncOperation(Loop::of(executor), handler.get_executor(executor)),
        stream_executor_(executor),
        context_(context),
        address_(address),
        handler_(std::move(handler)) {
    if (Result<void> checked = context.check("dial", address); !checked) {
      dial_ = std::unexpected(std::move(checked).error());
    } else {
      dial_ = view.dial(context, network, address);
    }
  }

  void step() override {
    if (!dial_) return end(std::unexpected(dial_.error()));
    if (!std::exchange(begun_, true)) cancel_by(handler_);
    MemoryDial& dial = **dial_;
    Result<std::unique_ptr<MemoryConn>> conn;
    Clock::time_point due = Clock::time_point::max();
    for (;;) {
      if (list_ != &dial.changed()) wait_in(&dial.changed());
      // To be dropped is what a dial that has connected at the same moment is for then.
      if (cancelled()) return end(fail("dial", address_, std::errc::operation_canceled));
      if (dial.look(conn, due)) break;
      if (list_ == &dial.changed()) return wake_at(due);
    }
    if (!conn) return end(std::unexpected(conn.error()));
    end(Stream(std::make_unique<MemoryAsyncConn>(*std::move(conn), stream_executor_)));
  }

  void wait_in(WaitList* list) {
    ended_.reset();
    if (list_ != nullptr) list_->remove(*this);
    list_ = list;
    if (list_ == nullptr) return;
    list_->add(*this);
    ended_ = (*dial_)->context().on_cancel([self = Ref<MemoryDialOperation>(this)] { self->wake(); });
  }

  void wake_at(Clock::time_point due) {
    if (due == timer_due_) return;
    timer_.reset();
    timer_due_ = due;
    if (due == Clock::time_point::max()) return;
    timer_ = context_.clock()->at(due, [self = Ref<MemoryDialOperation>(this)] { self->wake(); });
  }

  void let_go() noexcept {
    timer_.reset();
    ended_.reset();
    if (list_ != nullptr) std::exchange(list_, nullptr)->remove(*this);
  }

  void end(Result<Stream> result) {
    let_go();
    complete(std::move(handler_), std::move(result));
  }

  void drop() noexcept override {
    let_go();
    handler_ = {};
  }

  const asio::any_io_executor stream_executor_;
  const Context context_;
  const std::string address_;
  DialHandler handler_;
  Result<std::unique_ptr<MemoryDial>> dial_;
  bool begun_ = false;
  WaitList* list_ = nullptr;  ///< That it is in.
  Registration ended_;
  Registration timer_;
  Clock::time_point timer_due_ = Clock::time_point::max();
};

/// An asynchronous accept in memory.
class MemoryAcceptOperation final : public AsyncOperation {
 public:
  using AcceptHandler = AsyncListener::AcceptHandler;

  static void begin(const std::shared_ptr<MemoryListener>& listener, Call call, const asio::any_io_executor& executor,
                    AcceptHandler handler) {
    const Ref<MemoryAcceptOperation> operation(
        new MemoryAcceptOperation(listener, call.context(), executor, std::move(handler)));
    operation->start();
  }

 private:
  MemoryAcceptOperation(std::shared_ptr<MemoryListener> listener, Context context,
                        const asio::any_io_executor& executor, AcceptHandler handler)
      : AsyncOperation(Loop::of(executor), handler.get_executor(executor)),
        listener_(std::move(listener)),
        stream_executor_(executor),
        context_(std::move(context)),
        subject_(to_string(listener_->address())),
        handler_(std::move(handler)) {}

  void step() override {
    Result<void> checked = context_.check("accept", subject_);
    if (checked && cancelled()) checked = fail("accept", subject_, std::errc::operation_canceled);
    if (!checked) return end(std::unexpected(std::move(checked).error()));
    if (!std::exchange(waits_, true)) {
      cancel_by(handler_);
      listener_->backlog().changed().add(*this);
      ended_ = context_.on_cancel([self = Ref<MemoryAcceptOperation>(this)] { self->wake(); });
    }
    Result<std::shared_ptr<MemoryLink>> link;
    if (!listener_->backlog().pop(subject_, link)) return;
    if (!link) return end(std::unexpected(link.error()));
    end(Stream(std::make_unique<MemoryAsyncConn>(MemoryListener::accepted(*std::move(link), context_.clock()),
                                                 stream_executor_)));
  }

  void let_go() noexcept {
    ended_.reset();
    if (std::exchange(waits_, false)) listener_->backlog().changed().remove(*this);
  }

  void end(Result<Stream> result) {
    let_go();
    complete(std::move(handler_), std::move(result));
  }

  void drop() noexcept override {
    let_go();
    handler_ = {};
  }

  const std::shared_ptr<MemoryListener> listener_;
  const asio::any_io_executor stream_executor_;
  const Context context_;
  const std::string subject_;
  AcceptHandler handler_;
  bool waits_ = false;
  Registration ended_;
};

/// A listener in memory.
class MemoryAsyncListener final : public AsyncListener {
 public:
  MemoryAsyncListener(std::unique_ptr<MemoryListener> listener, asio::any_io_executor executor)
      : listener_(std::move(listener)), executor_(std::move(executor)) {}
  ~MemoryAsyncListener() override { static_cast<void>(listener_->close()); }

 private:
  asio::any_io_executor do_executor() const override { return executor_; }
  void do_async_accept(Call call, const asio::any_io_executor& executor, AcceptHandler handler) override {
    MemoryAcceptOperation::begin(listener_, call, executor, std::move(handler));
  }
  Result<void> do_close(std::source_location site) override { return listener_->close(site); }
  Address do_address() const override { return listener_->address(); }
  int do_native_handle() const noexcept override { return -1; }

  const std::shared_ptr<MemoryListener> listener_;
  const asio::any_io_executor executor_;
};

inline void memory_async_bind(const MemoryView& view, Call call, const asio::any_io_executor& executor,
                              std::string_view network, std::string_view address, AsyncBinder::BindHandler handler) {
  Result<std::unique_ptr<AsyncListener>> result;
  if (Result<void> checked = call.context().check("bind", address); !checked) {
    result = std::unexpected(std::move(checked).error());
  } else if (auto bound = view.bind(network, address); !bound) {
    result = std::unexpected(std::move(bound).error());
  } else {
    result = std::make_unique<MemoryAsyncListener>(*std::move(bound), executor);
  }
  post_completion(executor, std::move(handler), std::move(result));
}

}  // namespace LEASH_NAMESPACE::net::detail
