#include <leash/fault/plan.hpp>
#include <leash/net/detail/fault_hook.hpp>
#include <leash/net/fault_dialer.hpp>

namespace LEASH_NAMESPACE::net {

FaultDialer::FaultDialer(Dialer& inner)
    : ProxyDialer(inner), hook_(std::make_unique<detail::FaultHook>()), hooked_(inner, *hook_) {}
FaultDialer::~FaultDialer() = default;

Result<std::unique_ptr<Conn>> FaultDialer::do_dial(Call call, std::string_view network, std::string_view address) {
  if (!fault::has_plan(call.context())) return ProxyDialer::do_dial(call, network, address);
  return hooked_.dial(call, network, address);
}

}  // namespace LEASH_NAMESPACE::net
