#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/net/async_network_hook.hpp>
#include <leash/net/async_proxy.hpp>
#include <leash/net/detail/completion.hpp>
#include <leash/net/detail/hooked_async_listener.hpp>
#include <leash/net/detail/hooked_async_open.hpp>
#include <memory>
#include <utility>

namespace LEASH_NAMESPACE::net {

namespace detail {

struct HookedBind {
  using Opened = std::unique_ptr<AsyncListener>;

  AsyncBinder* binder;

  template <class TakeHandler>
  bool begin(const Operation& operation, TakeHandler take_handler) {
    binder->async_bind(Call(operation.context, operation.site), operation.network, operation.address, take_handler());
    return true;
  }

  static void tell_ends(const Opened& listener, Address& local, Address& /*remote*/) { local = listener->address(); }
  static Opened hooked(Opened listener, const Ref<HookLink>& link, Context context) {
    return std::make_unique<HookedAsyncListener>(std::move(listener), link, std::move(context));
  }
};

}  // namespace detail

/// A binder whose operations, and those of its listeners and of the streams that these accept, all pass through an
/// AsyncNetworkHook.
///
/// The inner binder must outlive it; listeners and streams may outlive all three.
class HookedAsyncBinder final : public ProxyAsyncBinder {
 public:
  HookedAsyncBinder(AsyncBinder& inner LEASH_LIFETIMEBOUND, AsyncNetworkHook& hook)
      : ProxyAsyncBinder(inner), link_(hook.link()) {}

 private:
  void do_async_bind(Call call, std::string_view network, std::string_view address, BindHandler handler) override {
    AsyncNetworkHook* const hook = detail::async_hook(*link_);
    if (hook == nullptr) return ProxyAsyncBinder::do_async_bind(call, network, address, std::move(handler));
    if (Result<void> checked = call.context().check("bind", address); !checked) {
      return detail::post_completion(do_executor(), std::move(handler),
                                     Result<detail::HookedBind::Opened>(std::unexpected(checked.error())));
    }
    detail::HookedOpen<detail::HookedBind>::begin(*hook, link_, call, {OperationKind::bind, network, address},
                                                  {&inner()}, do_executor(), std::move(handler));
  }

  const leash::detail::Ref<detail::HookLink> link_;
};

}  // namespace LEASH_NAMESPACE::net
