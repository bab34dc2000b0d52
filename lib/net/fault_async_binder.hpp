#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <leash/config.hpp>
#include <leash/fault/plan.hpp>
#include <leash/net/async_proxy.hpp>
#include <leash/net/detail/fault_async_hook.hpp>
#include <leash/net/hooked_async_binder.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

/// What a FaultBinder is to threads: a binder whose `async_bind`, and the operations of its listeners and of the
/// streams that these accept, fail as the plan in their Context says, or as a run of `fault::sweep` wants it. An
/// accepted stream goes by the Context of its `async_accept`. Where the Context of `async_bind` has no plan, it
/// completes with the inner listener itself.
///
/// `inner` must outlive it; listeners and streams need neither, but meet no faults once it was destroyed.
class FaultAsyncBinder final : public ProxyAsyncBinder {
 public:
  explicit FaultAsyncBinder(AsyncBinder& inner LEASH_LIFETIMEBOUND) : ProxyAsyncBinder(inner), hooked_(inner, hook_) {}

 private:
  void do_async_bind(Call call, std::string_view network, std::string_view address, BindHandler handler) override {
    if (fault::has_plan(call.context())) {
      hooked_.async_bind(call, network, address, std::move(handler));
    } else {
      ProxyAsyncBinder::do_async_bind(call, network, address, std::move(handler));
    }
  }

  detail::FaultAsyncHook hook_;
  HookedAsyncBinder hooked_;
};

}  // namespace LEASH_NAMESPACE::net
