#include <leash/net/detail/hooked_conn.hpp>
#include <leash/net/hooked_dialer.hpp>

namespace LEASH_NAMESPACE::net {

HookedDialer::HookedDialer(Dialer& inner, NetworkHook& hook) : ProxyDialer(inner), link_(hook.link_) {}
HookedDialer::~HookedDialer() = default;

Result<std::unique_ptr<Conn>> HookedDialer::do_dial(Call call, std::string_view network, std::string_view address) {
  Operation op{.kind = OperationKind::dial,
               .network = network,
               .address = address,
               .context = call.context(),
               .site = call.site()};
  return detail::open_hooked(link_, op, [&] { return inner().dial(call, op.network, op.address); });
}

}  // namespace LEASH_NAMESPACE::net
