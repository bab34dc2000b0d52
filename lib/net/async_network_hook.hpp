#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <concepts>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/net/detail/hook_done.hpp>
#include <leash/net/detail/hook_link.hpp>
#include <leash/net/detail/hooked_operation.hpp>
#include <leash/net/detail/wrapped_handler.hpp>
#include <leash/net/handler.hpp>
#include <leash/net/network_hook.hpp>
#include <leash/net/operation.hpp>
#include <leash/result.hpp>
#include <type_traits>
#include <utility>

namespace LEASH_NAMESPACE::net {

/// What a NetworkHook is to threads, for each HookedAsyncDialer and HookedAsyncBinder that was made with it, and for
/// the listeners and streams that these open. The asynchronous operations pass through `around_async`: `dial`, `bind`,
/// `Listener::accept`, `Conn::read` and `Conn::write`, which are `async_dial`, `async_bind`, `async_accept`,
/// `async_read_some` and `async_write_some`. Those that are done when they return pass through `around`: `read_some`
/// and `write_some`, `shutdown_write` (`Conn::close_write`), `close`, `reset`, `release`, `note` and the deadlines.
///
///     class SlowHook : public leash::net::AsyncNetworkHook {
///       void around_async(leash::net::Operation& operation, AsyncNext next, Done done) override {
///         leash::net::async_sleep(operation.context, 10ms,
///                                 wrap(std::move(done), [next](Done slept, leash::Result<void> result) {
///                                   if (!result) return slept(std::move(result));
///                                   next(std::move(slept));
///                                 }));
///       }
///     };
///
/// What was made with it may outlive it: the operations then no longer pass through it. To destroy it while one of its
/// functions runs is a race; operations that it has `next` and `done` of go on without it.
///
/// The two functions have two names, and not one: whoever overrode one of two overloads would hide the other.
class AsyncNetworkHook : public NetworkHook {
 protected:
  /// Move-only, and called at most once, by any thread: `done(result)`. That is what the user gets of the operation, as
  /// NetworkHook says of what `around` returns; but of a read and a write see below. The handler of the user is called
  /// on its executor, and not in that call. Destroyed uncalled, it destroys that handler, uncalled.
  ///
  /// It has an associated executor and cancellation slot, so that it can be the handler of what the hook waits for:
  /// that then goes on on the executor of the user's handler, and the cancellation of that handler ends it.
  using Done = Handler<void(Result<void>)>;

  /// `next(done)` carries the operation out, as `operation` says by then, on the executor of the user's handler and
  /// with that one's allocator and cancellation, and then calls `done` with whether it succeeded: on the executor of
  /// `done` if it has one, else on that of the user's handler. `done` is the hook's own or any callable:
  ///
  ///     next(std::move(done));                                        // passes the operation on
  ///     next(wrap(std::move(done), [](Done done, Result<void> r) …));  // looks at the result first
  ///
  /// Copyable, so that a `done` that tries again may have it. Any thread may call it, several times, but one time after
  /// the other. When the operation is under way, or over, it
  /// only destroys what it is given. When that was cancelled, or its stream or listener closed, it carries nothing out,
  /// and `done` gets `operation_canceled`.
  class AsyncNext {
   public:
    template <class Target>
      requires std::is_invocable_v<std::decay_t<Target>&, Result<void>>
    void operator()(Target&& done) const {
      if constexpr (std::same_as<std::remove_cvref_t<Target>, Done>) {
        operation_->next(std::forward<Target>(done));
      } else {
        operation_->next(Done(std::forward<Target>(done)));
      }
    }

   private:
    friend class detail::HookedOperation;

    explicit AsyncNext(detail::Ref<detail::HookedOperation> operation) noexcept : operation_(std::move(operation)) {}

    detail::Ref<detail::HookedOperation> operation_;
  };

  AsyncNetworkHook() = default;

  /// Called for each asynchronous operation, in the call that begins it, by any number of threads at once and with no
  /// lock held, after the Context was checked. `operation` is valid until `done` was called or destroyed; what the hook
  /// sets its network and address to must live as long. What it throws leaves the call that begins the operation.
  ///
  /// `dial`, `bind` and `accept` are as for `NetworkHook::around`. A read and a write transfer what there is, so that
  /// one that was made smaller is not called again for the rest: `asio::async_read` and `asio::async_write` do that.
  /// One byte at least is transferred. The end of the stream, `asio::error::eof`, is for the hook a success with
  /// nothing `transferred`; and success without `next` is, of a read, the end of the stream, and of a write that all
  /// was written. Errors of Asio's other categories than that of the system are codes of the Error as they are.
  ///
  /// Where `done` is called, or destroyed, while the operation is still carried out, that has its effect when it has
  /// been.
  virtual void around_async(Operation& operation, AsyncNext next, Done done) = 0;

  /// As `NetworkHook::around`, for the operations that are done when they return. Passes them on.
  Result<void> around(Operation& /*operation*/, Next next) override { return next(); }

  /// A handler of an operation that completes with `void(Result<void>)`: calls `function(done, result)`, with `done` to
  /// be moved on, and has the executor and the cancellation of `done`.
  template <class Function>
  static auto wrap(Done done, Function function) {
    return detail::WrappedHandler(std::move(done), std::move(function));
  }

 private:
  friend class detail::HookedOperation;
  friend class HookedAsyncDialer;
  friend class HookedAsyncBinder;

  const leash::detail::Ref<detail::HookLink>& link() const noexcept { return link_; }
};

inline void detail::HookedOperation::pass() {
  hook_->around_async(operation_, AsyncNetworkHook::AsyncNext(Ref<HookedOperation>(this)),
                      Done(HookDone(Ref<HookedOperation>(this))));
}

}  // namespace LEASH_NAMESPACE::net
