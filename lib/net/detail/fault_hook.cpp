#include <leash/fault/detail/plan_state.hpp>
#include <leash/fault/detail/strike.hpp>
#include <leash/net/detail/fault_hook.hpp>
#include <leash/net/detail/network_address.hpp>
#include <optional>
#include <string>

namespace LEASH_NAMESPACE::net::detail {
namespace {

using fault::detail::Transfer;

Transfer struck_transfer(OperationKind kind) noexcept {
  switch (kind) {
    case OperationKind::conn_read:
    case OperationKind::conn_readv:
      return Transfer::read;
    case OperationKind::conn_write:
    case OperationKind::conn_writev:
      return Transfer::write_some;
    default:
      return Transfer::none;
  }
}

std::string struck_subject(const Operation& operation) {
  if (operation.kind == OperationKind::dial || operation.kind == OperationKind::bind) {
    return std::string(operation.address);
  }
  return operation.remote != nullptr && operation.kind != OperationKind::listener_accept
             ? ends(*operation.local, *operation.remote)
             : to_string(*operation.local);
}

}  // namespace

Result<void> FaultHook::around(Operation& operation, Next next) {
  fault::detail::PlanState* const plan = fault::detail::find_plan(operation.context);
  if (plan == nullptr) return next();
  const Transfer transfer = struck_transfer(operation.kind);
  const std::string subject = struck_subject(operation);
  const std::optional<fault::Fault> fault = plan->visit({.operation = to_string(operation.kind),
                                                         .subject = subject,
                                                         .handle = operation.local,
                                                         .size = transfer == Transfer::none ? 0 : operation.size,
                                                         .writes = transfer == Transfer::write_some,
                                                         .site = operation.site});
  return fault ? fault::detail::strike(*fault, operation, transfer, next) : next();
}

}  // namespace LEASH_NAMESPACE::net::detail
