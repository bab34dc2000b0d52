#include <leash/fault/plan.hpp>
#include <leash/net/detail/fault_hook.hpp>
#include <leash/net/fault_binder.hpp>

namespace LEASH_NAMESPACE::net {

FaultBinder::FaultBinder(Binder& inner)
    : ProxyBinder(inner), hook_(std::make_unique<detail::FaultHook>()), hooked_(inner, *hook_) {}
FaultBinder::~FaultBinder() = default;

Result<std::unique_ptr<Listener>> FaultBinder::do_bind(Call call, std::string_view network, std::string_view address) {
  if (!fault::has_plan(call.context())) return ProxyBinder::do_bind(call, network, address);
  return hooked_.bind(call, network, address);
}

}  // namespace LEASH_NAMESPACE::net
