#pragma once

#include <leash/config.hpp>
#include <leash/net/network_hook.hpp>

namespace LEASH_NAMESPACE::net::detail {

/// Lets operations fail as the plan in their Context says.
class FaultHook final : public NetworkHook {
 public:
  FaultHook() = default;

 private:
  Result<void> around(Operation& operation, Next next) override;
};

}  // namespace LEASH_NAMESPACE::net::detail
