#pragma once

#include <leash/config.hpp>
#include <leash/net/network_hook.hpp>
#include <leash/net/proxy.hpp>

namespace LEASH_NAMESPACE::net {

/// A dialer whose operations, and those of the connections that it dials, all pass through a NetworkHook.
///
/// The inner dialer must outlive it; a connection may outlive all three.
class HookedDialer final : public ProxyDialer {
 public:
  HookedDialer(Dialer& inner LEASH_LIFETIMEBOUND, NetworkHook& hook);
  ~HookedDialer() override;

 private:
  Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) override;

  const leash::detail::Ref<leash::detail::HookLink<NetworkHook>> link_;
};

}  // namespace LEASH_NAMESPACE::net
