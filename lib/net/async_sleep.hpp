#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <asio/any_io_executor.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <leash/call.hpp>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/detail/deadline_after.hpp>
#include <leash/net/detail/async_operation.hpp>
#include <leash/net/handler.hpp>
#include <leash/registration.hpp>
#include <leash/result.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

namespace detail {

class SleepOperation final : public AsyncOperation {
 public:
  using SleepHandler = Handler<void(Result<void>)>;

  static void begin(const Context& context, Clock::time_point time, SleepHandler handler,
                    const asio::any_io_executor& otherwise) {
    const asio::any_io_executor executor = handler.get_executor(otherwise);
    const Ref<SleepOperation> operation(new SleepOperation(context, time, std::move(handler), executor));
    operation->start();
  }

 private:
  SleepOperation(Context context, Clock::time_point time, SleepHandler handler, const asio::any_io_executor& executor)
      : AsyncOperation(Loop::of(executor), executor),
        context_(std::move(context)),
        time_(time),
        handler_(std::move(handler)) {}

  void step() override {
    const bool slept = context_.clock()->now() >= time_;
    if (!slept && !context_.done() && !cancelled()) {
      if (!std::exchange(waits_, true)) wait();
      return;
    }
    timer_.reset();
    ended_.reset();
    Result<void> result = context_.check("sleep", {});
    if (result && !slept) result = fail("sleep", "", std::errc::operation_canceled);
    complete(std::move(handler_), std::move(result));
  }

  void wait() {
    cancel_by(handler_);
    const Ref<SleepOperation> self(this);
    ended_ = context_.on_cancel([self] { self->wake(); });
    timer_ = context_.clock()->at(time_, [self] { self->wake(); });
  }

  void drop() noexcept override {
    timer_.reset();
    ended_.reset();
    handler_ = {};
  }

  const Context context_;
  const Clock::time_point time_;
  SleepHandler handler_;
  bool waits_ = false;
  Registration ended_;
  Registration timer_;
};

}  // namespace detail

/// Waits until `duration` has passed on the Context's clock, as `leash::sleep_for` does, and completes with
/// `void(Result<void>)`: with a `FakeClock` a test of a minute takes microseconds. Fails with the Context's error as
/// soon as the Context is done, and with `operation_canceled` by all types of cancellation.
///
/// The handler is called on its associated executor; without one, on that of the system, as it is never for a
/// coroutine.
template <class CompletionToken>
auto async_sleep(Call call, Clock::duration duration, CompletionToken&& token) {
  const auto time = leash::detail::deadline_after(call.context().clock()->now(), duration);
  return asio::async_initiate<CompletionToken, void(Result<void>)>(
      [context = call.context(), time](auto&& handler) {
        detail::SleepOperation::begin(context, time, detail::SleepOperation::SleepHandler(std::move(handler)),
                                      asio::system_executor());
      },
      token);
}

}  // namespace LEASH_NAMESPACE::net
