#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/dispatch.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/detail/ref.hpp>
#include <leash/net/detail/async_operation.hpp>
#include <leash/net/detail/completion.hpp>
#include <leash/net/handler.hpp>
#include <leash/net/operation.hpp>
#include <leash/os/mutex.hpp>
#include <leash/result.hpp>
#include <mutex>
#include <optional>
#include <source_location>
#include <utility>

namespace LEASH_NAMESPACE::net {
class AsyncNetworkHook;
}

namespace LEASH_NAMESPACE::net::detail {

/// An asynchronous operation that passes through a hook. The hook, in any thread, and the inner operation leave word of
/// what they want or have done; a step acts on it. Its handler is always in one place: here, or, as long as the inner
/// operation is under way, in the handler of that.
class HookedOperation : public AsyncOperation {
 public:
  using Done = Handler<void(Result<void>)>;

  /// The hook wants it carried out, and `done` called then. Destroys `done` if it is under way or over.
  void next(Done done) {
    {
      const std::lock_guard<os::Mutex> lock(mutex_);
      if (over_ || ended_ || inner_ != Inner::none) return;
      inner_ = Inner::wanted;
      inner_done_ = std::move(done);
      if (looks_) return;
    }
    wake();
  }

  /// The hook has called its `done` with `result`, or has destroyed it: none.
  void end_with(std::optional<Result<void>> result) {
    {
      const std::lock_guard<os::Mutex> lock(mutex_);
      if (over_ || ended_) return;
      ended_ = true;
      result_ = std::move(result);
      if (looks_) return;
    }
    wake();
  }

  /// The executor of the handler while the operation lasts.
  asio::any_io_executor executor_or(const asio::any_io_executor& otherwise) {
    const std::lock_guard<os::Mutex> lock(mutex_);
    return over_ ? otherwise : handler_executor_;
  }

  /// For what the hook waits for: the cancellation of the handler is passed on to it.
  asio::cancellation_slot slot() noexcept { return signal_.slot(); }

 protected:
  /// `executor` is that of the handler.
  HookedOperation(AsyncNetworkHook& hook, Context context, OperationKind kind, std::source_location site,
                  const asio::any_io_executor& executor)
      : AsyncOperation(Loop::of(executor), executor),
        hook_(&hook),
        context_(std::move(context)),
        operation_{.kind = kind, .context = context_, .site = site},
        handler_executor_(executor) {}

  Operation& operation() noexcept { return operation_; }

  /// The inner operation has ended. The handler is here again.
  void inner_ended(Result<void> result) {
    {
      const std::lock_guard<os::Mutex> lock(mutex_);
      inner_ = Inner::ended;
      inner_result_ = std::move(result);
    }
    step_now();
  }

  /// The handler was destroyed with that of the inner operation.
  void inner_dropped() noexcept {
    {
      const std::lock_guard<os::Mutex> lock(mutex_);
      if (over_) return;
      inner_ = Inner::ended;
      ended_ = true;
      result_.reset();
      if (looks_) return;
    }
    wake();
  }

 private:
  enum class Inner : unsigned char { none, wanted, under_way, ended };
  enum class Act : unsigned char { wait, tell, discard, begin, end };

  /// Begins the inner operation, with the handler in that one's. False if there is no longer what it would be done
  /// with.
  virtual bool begin() = 0;
  /// Completes with what the hook has made of the operation.
  virtual void finish(Result<void> result) = 0;
  virtual asio::cancellation_slot handler_slot() const noexcept = 0;
  virtual void drop_handler() noexcept = 0;

  /// Calls the hook.
  void pass();

  void step() override {
    try {
      const bool begins = !std::exchange(begun_, true);
      {
        const std::lock_guard<os::Mutex> lock(mutex_);
        looks_ = true;
      }
      if (begins) pass();
      while (act()) {
      }
    } catch (...) {
      // Of the hook, or of its `done`; what the handler throws comes when it is over.
      give_up();
      throw;
    }
  }

  /// Does one thing. False if there is nothing to do until the operation is woken again.
  bool act() {
    Done done;
    const Act act = next_act(done);
    switch (act) {
      case Act::wait:
        return false;
      case Act::tell:
        tell(std::move(done));
        return true;
      case Act::discard:
        return true;
      case Act::begin:
        // The inner operation has the slot from now on.
        listens_ = false;
        if (cancelled() || !begin()) {
          const std::lock_guard<os::Mutex> lock(mutex_);
          inner_ = Inner::ended;
          inner_result_ = operation_.fail(std::errc::operation_canceled);
        }
        return true;
      case Act::end:
        const std::optional<Result<void>> result = std::move(result_);
        if (!result) {
          give_up();
        } else {
          close();
          finish(*result);
        }
        return false;
    }
    return false;
  }

  Act next_act(Done& done) {
    for (;;) {
      {
        const std::lock_guard<os::Mutex> lock(mutex_);
        if (over_ || inner_ == Inner::under_way) {
          looks_ = false;
          return Act::wait;
        }
        if (inner_ == Inner::ended || (inner_ == Inner::wanted && ended_)) {
          done = std::move(inner_done_);
          inner_ = Inner::none;
          // What the hook has called its `done` with before this counts.
          return ended_ ? Act::discard : Act::tell;
        }
        if (ended_) return Act::end;
        if (inner_ == Inner::wanted) {
          inner_ = Inner::under_way;
          return Act::begin;
        }
        if (listens_) {
          looks_ = false;
          return Act::wait;
        }
      }
      listen();
    }
  }

  /// Calls what the hook has passed to `next`, on its executor.
  void tell(Done done) {
    const asio::any_io_executor own = done.get_executor(handler_executor_);
    if (own == handler_executor_) return done(std::move(inner_result_));
    asio::dispatch(own, Completion(std::move(done), std::move(inner_result_)));
  }

  /// While the hook waits, the cancellation of the handler is for what it waits for, and for a later `next`.
  void listen() {
    listens_ = true;
    asio::cancellation_slot slot = handler_slot();
    if (!slot.is_connected()) return;
    slot.assign([self = Ref<HookedOperation>(this)](asio::cancellation_type type) {
      if (type == asio::cancellation_type::none) return;
      self->cancel();
      self->signal_.emit(type);
    });
  }

  /// What the hook still has of the operation has no effect from now on. False if that is so already.
  bool close() noexcept {
    Done done;
    asio::any_io_executor executor;
    const std::lock_guard<os::Mutex> lock(mutex_);
    std::swap(done, inner_done_);
    std::swap(executor, handler_executor_);
    return !std::exchange(over_, true);
  }

  /// Ends, in a step, without a call of the handler.
  void give_up() noexcept {
    if (!close()) return;
    if (asio::cancellation_slot slot = handler_slot(); slot.is_connected()) slot.clear();
    drop_handler();
    end();
  }

  void drop() noexcept override {
    if (!close()) return;
    drop_handler();
  }

  AsyncNetworkHook* const hook_;
  const Context context_;
  Operation operation_;
  bool begun_ = false;
  bool listens_ = false;  ///< The slot of the handler is this one's.
  asio::cancellation_signal signal_;

  os::Mutex mutex_;
  asio::any_io_executor handler_executor_;
  bool looks_ = false;  ///< A step runs, which will see what comes.
  bool over_ = false;
  bool ended_ = false;  ///< The hook has ended it, with `result_`.
  std::optional<Result<void>> result_;
  Inner inner_ = Inner::none;
  Done inner_done_;
  Result<void> inner_result_;
};

}  // namespace LEASH_NAMESPACE::net::detail
