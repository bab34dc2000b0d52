#pragma once

#include <leash/config.hpp>
#include <leash/net/hooked_binder.hpp>
#include <leash/net/proxy.hpp>

namespace LEASH_NAMESPACE::net {

/// A binder whose `bind`, and the operations of its listeners and of the connections that these accept, fail as the
/// plan in their Context says (`fault::Plan`), or as a run of `fault::sweep` wants it. An accepted connection goes by
/// the Context of its `accept`.
///
/// Where the Context of `bind` has no plan, it returns the inner listener itself. Else all is as with a FaultDialer.
class FaultBinder final : public ProxyBinder {
 public:
  explicit FaultBinder(Binder& inner LEASH_LIFETIMEBOUND);
  ~FaultBinder() override;

 private:
  Result<std::unique_ptr<Listener>> do_bind(Call call, std::string_view network, std::string_view address) override;

  const std::unique_ptr<NetworkHook> hook_;
  HookedBinder hooked_;
};

}  // namespace LEASH_NAMESPACE::net
