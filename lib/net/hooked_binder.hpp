#pragma once

#include <leash/config.hpp>
#include <leash/net/network_hook.hpp>
#include <leash/net/proxy.hpp>

namespace LEASH_NAMESPACE::net {

/// A binder whose operations, and those of its listeners and of the connections that these accept, all pass through a
/// NetworkHook.
///
/// The inner binder must outlive it; listeners and connections may outlive all three.
class HookedBinder final : public ProxyBinder {
 public:
  HookedBinder(Binder& inner LEASH_LIFETIMEBOUND, NetworkHook& hook);
  ~HookedBinder() override;

 private:
  Result<std::unique_ptr<Listener>> do_bind(Call call, std::string_view network, std::string_view address) override;

  const leash::detail::Ref<leash::detail::HookLink<NetworkHook>> link_;
};

}  // namespace LEASH_NAMESPACE::net
