#include <leash/net/detail/fault_gate.hpp>
#include <leash/net/detail/fault_hook.hpp>

namespace LEASH_NAMESPACE::net::detail {

Result<void> FaultHook::around(Operation& operation, Next next) {
  const std::optional<fault::Fault> fault = fault_at(operation);
  return fault ? fault::detail::strike(*fault, operation, struck_transfer(operation.kind), next) : next();
}

}  // namespace LEASH_NAMESPACE::net::detail
