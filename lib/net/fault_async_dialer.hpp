#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <leash/config.hpp>
#include <leash/fault/plan.hpp>
#include <leash/net/async_proxy.hpp>
#include <leash/net/detail/fault_async_hook.hpp>
#include <leash/net/hooked_async_dialer.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

/// What a FaultDialer is to threads: a dialer whose `async_dial`, and the operations of the streams that it dials, fail
/// as the plan in the Context of the dial says, or as a run of `fault::sweep` wants it. Where that Context has no plan,
/// a dial completes with the inner Stream itself. A read or write that is cut short transfers one byte at least.
///
/// `inner` must outlive it; streams need neither, but meet no faults once it was destroyed.
class FaultAsyncDialer final : public ProxyAsyncDialer {
 public:
  explicit FaultAsyncDialer(AsyncDialer& inner LEASH_LIFETIMEBOUND) : ProxyAsyncDialer(inner), hooked_(inner, hook_) {}

 private:
  void do_async_dial(Call call, const asio::any_io_executor& executor, std::string_view network,
                     std::string_view address, DialHandler handler) override {
    if (fault::has_plan(call.context())) {
      hooked_.async_dial(call, executor, network, address, std::move(handler));
    } else {
      ProxyAsyncDialer::do_async_dial(call, executor, network, address, std::move(handler));
    }
  }

  detail::FaultAsyncHook hook_;
  HookedAsyncDialer hooked_;
};

}  // namespace LEASH_NAMESPACE::net
