#pragma once

#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/function_ref.hpp>
#include <leash/net/operation.hpp>
#include <leash/result.hpp>

namespace LEASH_NAMESPACE::detail {
template <class Hook>
struct HookLink;
}

namespace LEASH_NAMESPACE::net {

/// The one function that all operations pass through of each HookedDialer and HookedBinder that was made with it, and
/// of the listeners and connections that these open. What treats many operations alike derives from it and overrides
/// that: it counts, logs, refuses, delays or changes them (`CountingHook`, `LoggingHook` do). An operation that is
/// added to leash later passes through it too.
///
///     class SlowHook : public leash::net::NetworkHook {
///       leash::Result<void> around(leash::net::Operation& operation, Next next) override {
///         if (auto slept = leash::sleep_for(operation.context, 10ms); !slept) return slept;
///         return next();
///       }
///     };
///
///     SlowHook slow;
///     leash::net::HookedDialer dialer(tcp_dialer, slow);
///     leash::net::HookedBinder binder(tcp_binder, slow);
///
/// What was made with it may outlive it: the operations then no longer pass through `around`. To destroy it while an
/// operation runs is a race, as it is for any object.
class NetworkHook {
 public:
  NetworkHook(const NetworkHook&) = delete;
  NetworkHook& operator=(const NetworkHook&) = delete;
  virtual ~NetworkHook();

 protected:
  using Next = FunctionRef<Result<void>()>;

  NetworkHook();

  /// Called for each operation, by any number of threads at once and with no lock held, after the public member has
  /// checked the Context. `next` carries it out as `operation` says by then, and returns whether it succeeded; `dial`,
  /// `bind` and `accept` by the public member of the inner object, which checks the Context again. It may be called
  /// several times, or never.
  ///
  /// What `around` returns is what the caller of the operation gets: an Error, or the result of the last `next`. If
  /// that failed or there was none, success is a value of 0, which of a read is the end of the stream; of a write it is
  /// all that was not written yet. But no handle can be made of nothing: `dial`, `bind`, `accept` and `release`
  /// then fail with the Error of `next`, or with `operation_canceled`. `Conn::close`, `Conn::reset` and
  /// `Listener::close` close in any case; of `Conn::note`, which cannot fail, an Error is dropped.
  ///
  /// Is not called for addresses, `peer_credentials` and `native_handle`, nor for the end of a handle that was not
  /// closed.
  virtual Result<void> around(Operation& operation, Next next) = 0;

 private:
  friend struct leash::detail::HookLink<NetworkHook>;
  friend class AsyncNetworkHook;
  friend class HookedDialer;
  friend class HookedBinder;

  leash::detail::Ref<leash::detail::HookLink<NetworkHook>> link_;
};

}  // namespace LEASH_NAMESPACE::net
