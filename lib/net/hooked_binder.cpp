#include <leash/net/detail/hook_link.hpp>
#include <leash/net/detail/hooked_listener.hpp>
#include <leash/net/hooked_binder.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

HookedBinder::HookedBinder(Binder& inner, NetworkHook& hook) : ProxyBinder(inner), link_(hook.link_) {}
HookedBinder::~HookedBinder() = default;

Result<std::unique_ptr<Listener>> HookedBinder::do_bind(Call call, std::string_view network, std::string_view address) {
  Operation op{.kind = OperationKind::bind,
               .network = network,
               .address = address,
               .context = call.context(),
               .site = call.site()};
  Address bound;
  Result<std::unique_ptr<Listener>> listener = link_->pass<std::unique_ptr<Listener>>(op, [&] {
    Result<std::unique_ptr<Listener>> opened = inner().bind(call, op.network, op.address);
    if (opened) bound = (*opened)->address();
    op.local = opened ? &bound : nullptr;
    return opened;
  });
  if (!listener || !op.hooks_handle) return listener;
  return std::make_unique<detail::HookedListener>(*std::move(listener), link_, call.context().without_cancel(),
                                                  std::move(bound));
}

}  // namespace LEASH_NAMESPACE::net
