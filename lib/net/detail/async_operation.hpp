#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/execution/outstanding_work.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <atomic>
#include <leash/config.hpp>
#include <leash/net/detail/completion.hpp>
#include <leash/net/detail/loop.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// An asynchronous operation that goes on in steps, each of which looks whether what it waits for has come. It is woken
/// for a step by any thread, any number of times; the steps run one after the other on the executor of its handler.
///
///     void step() override {
///       if (what_it_waits_for()) complete(std::move(handler_), …);
///     }
class AsyncOperation : public Loop::Member {
 public:
  void wake() noexcept final {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (state_ == State::running) again_ = true;
    if (state_ == State::waiting) post();
  }

  /// Wakes it, with `cancelled` set.
  void cancel() noexcept {
    cancelled_ = true;
    wake();
  }

 protected:
  /// For a handler that is called on `executor`.
  AsyncOperation(Ref<Loop> loop, const asio::any_io_executor& executor)
      : loop_(std::move(loop)), executor_(asio::prefer(executor, asio::execution::outstanding_work.tracked)) {}

  /// Takes the first step in this call. Called once, on an operation that a Ref holds. What a step throws, or the
  /// handler in it, leaves it; the operation is then over.
  void start() {
    if (!loop_->add(*this)) return context_ended();
    initiating_ = true;
    state_ = State::running;
    take_step();
  }

  /// Takes a step in this call, unless one runs in another thread, which then takes one more. On the executor.
  void step_now() {
    if (begin_step(State::waiting)) take_step();
  }

  /// Lets the cancellation of the handler cancel the operation. In the first step.
  template <class Handler>
  void cancel_by(const Handler& handler) {
    asio::cancellation_slot slot = handler.get_cancellation_slot();
    if (!slot.is_connected()) return;
    slot.assign([self = Ref<AsyncOperation>(this)](asio::cancellation_type type) {
      if (type == asio::cancellation_type::none) return;
      self->cancel();
    });
  }

  bool cancelled() const noexcept { return cancelled_; }

  /// Whether this is the step that `start` takes.
  bool initiating() const noexcept { return initiating_; }

  /// Calls the handler, which is the end of the operation: no step follows, and `drop` is not called. In a step; after
  /// everything that wakes the operation was destroyed.
  template <class Handler, class... Arguments>
  void complete(Handler handler, Arguments... arguments) {
    if (asio::cancellation_slot slot = handler.get_cancellation_slot(); slot.is_connected()) slot.clear();
    const asio::any_io_executor executor = end();
    if (!initiating_) return handler(std::move(arguments)...);
    // No handler is called in the call that has begun its operation.
    asio::post(executor, Completion(std::move(handler), std::move(arguments)...));
  }

  /// Ends the operation, as `complete` does, but without a call of the handler. Returns the executor, which an
  /// operation that is over does not keep.
  asio::any_io_executor end() noexcept {
    asio::any_io_executor executor;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      state_ = State::over;
      std::swap(executor, executor_);
    }
    loop_->remove(*this);
    return executor;
  }

  const asio::any_io_executor& executor() const noexcept { return executor_; }

 private:
  enum class State : unsigned char { waiting, posted, running, over };

  virtual void step() = 0;

  /// Destroys the handler, and what wakes the operation: the execution context has ended.
  virtual void drop() noexcept = 0;

  void context_ended() noexcept final {
    end();
    drop();
  }

  void post() {
    state_ = State::posted;
    loop_->while_there([this] {
      asio::post(executor_, [self = Ref<AsyncOperation>(this)] {
        if (self->begin_step(State::posted)) self->take_step();
      });
    });
  }

  bool begin_step(State from) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (state_ == State::running) again_ = true;
    if (state_ != from) return false;
    state_ = State::running;
    return true;
  }

  void take_step() {
    try {
      step();
    } catch (...) {
      // What wakes it keeps it alive, and with it the handler.
      context_ended();
      throw;
    }
    initiating_ = false;
    end_step();
  }

  void end_step() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (state_ != State::running) return;
    state_ = State::waiting;
    if (std::exchange(again_, false)) post();
  }

  const Ref<Loop> loop_;
  std::mutex mutex_;
  State state_ = State::waiting;
  bool again_ = false;  ///< Woken while a step ran.
  bool initiating_ = false;
  std::atomic<bool> cancelled_{false};
  asio::any_io_executor executor_;  ///< Which has work to do until the operation is over.
};

}  // namespace LEASH_NAMESPACE::net::detail
