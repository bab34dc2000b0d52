#include <leash/net/detail/hooked_conn.hpp>
#include <leash/net/detail/hooked_listener.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

HookedListener::HookedListener(std::unique_ptr<Listener> inner, Ref<HookLink> link, Context context, Address address)
    : ProxyListener(std::move(inner)),
      link_(std::move(link)),
      context_(std::move(context)),
      address_(std::move(address)) {}

Result<std::unique_ptr<Conn>> HookedListener::do_accept(Call call) {
  Operation op{
      .kind = OperationKind::listener_accept, .local = &address_, .context = call.context(), .site = call.site()};
  return open_hooked(link_, op, [&] { return inner().accept(call); });
}

Operation HookedListener::operation(OperationKind kind, std::source_location site) const {
  return {.kind = kind, .local = &address_, .context = context_, .site = site};
}

Result<void> HookedListener::do_close(std::source_location site) {
  return link_->pass_close(operation(OperationKind::listener_close, site),
                           [&] { return ProxyListener::do_close(site); });
}

Result<int> HookedListener::do_release(std::source_location site) {
  return pass_release(*link_, operation(OperationKind::listener_release, site),
                      [&] { return ProxyListener::do_release(site); });
}

}  // namespace LEASH_NAMESPACE::net::detail
