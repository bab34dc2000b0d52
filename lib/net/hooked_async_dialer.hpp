#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/net/async_network_hook.hpp>
#include <leash/net/async_proxy.hpp>
#include <leash/net/detail/completion.hpp>
#include <leash/net/detail/hooked_async_conn.hpp>
#include <leash/net/detail/hooked_async_open.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

namespace detail {

struct HookedDial : HookedStreamOpening {
  AsyncDialer* dialer;
  asio::any_io_executor executor;

  template <class TakeHandler>
  bool begin(const Operation& operation, TakeHandler take_handler) {
    dialer->async_dial(Call(operation.context, operation.site), executor, operation.network, operation.address,
                       take_handler());
    return true;
  }
};

}  // namespace detail

/// A dialer whose operations, and those of the streams that it dials, all pass through an AsyncNetworkHook.
///
/// The inner dialer must outlive it; a stream may outlive all three.
class HookedAsyncDialer final : public ProxyAsyncDialer {
 public:
  HookedAsyncDialer(AsyncDialer& inner LEASH_LIFETIMEBOUND, AsyncNetworkHook& hook)
      : ProxyAsyncDialer(inner), link_(hook.link()) {}

 private:
  void do_async_dial(Call call, const asio::any_io_executor& executor, std::string_view network,
                     std::string_view address, DialHandler handler) override {
    AsyncNetworkHook* const hook = detail::async_hook(*link_);
    if (hook == nullptr) {
      return ProxyAsyncDialer::do_async_dial(call, executor, network, address, std::move(handler));
    }
    if (Result<void> checked = call.context().check("dial", address); !checked) {
      return detail::post_completion(executor, std::move(handler), Result<Stream>(std::unexpected(checked.error())));
    }
    detail::HookedOpen<detail::HookedDial>::begin(*hook, link_, call, {OperationKind::dial, network, address},
                                                  {{}, &inner(), executor}, executor, std::move(handler));
  }

  const leash::detail::Ref<detail::HookLink> link_;
};

}  // namespace LEASH_NAMESPACE::net
