#pragma once

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/detail/hook_link.hpp>
#include <leash/net/proxy.hpp>
#include <memory>

namespace LEASH_NAMESPACE::net::detail {

/// A listener whose operations, and those of the connections that it accepts, pass through a hook.
class HookedListener final : public ProxyListener {
 public:
  /// `context` is that of its `bind`, `address` its own.
  HookedListener(std::unique_ptr<Listener> inner, Ref<HookLink> link, Context context, Address address);

 private:
  Result<std::unique_ptr<Conn>> do_accept(Call call) override;
  Result<void> do_close(std::source_location site) override;
  Result<int> do_release(std::source_location site) override;

  Operation operation(OperationKind kind, std::source_location site) const;

  const Ref<HookLink> link_;
  const Context context_;
  const Address address_;
};

}  // namespace LEASH_NAMESPACE::net::detail
