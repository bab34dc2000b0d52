#include <leash/fault/detail/plan_state.hpp>
#include <leash/net/detail/fault_gate.hpp>
#include <leash/net/detail/network_address.hpp>
#include <string>

namespace LEASH_NAMESPACE::net::detail {

using fault::detail::Transfer;

namespace {

std::string struck_subject(const Operation& operation) {
  if (operation.kind == OperationKind::dial || operation.kind == OperationKind::bind) {
    return std::string(operation.address);
  }
  return operation.remote != nullptr && operation.kind != OperationKind::listener_accept
             ? ends(*operation.local, *operation.remote)
             : to_string(*operation.local);
}

}  // namespace

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

std::optional<fault::Fault> fault_at(const Operation& operation) {
  fault::detail::PlanState* const plan = fault::detail::find_plan(operation.context);
  if (plan == nullptr) return std::nullopt;
  const Transfer transfer = struck_transfer(operation.kind);
  const std::string subject = struck_subject(operation);
  return plan->visit({.operation = to_string(operation.kind),
                      .subject = subject,
                      .handle = operation.local,
                      .size = transfer == Transfer::none ? 0 : operation.size,
                      .ends_handle = operation.kind == OperationKind::conn_close ||
                                     operation.kind == OperationKind::conn_reset ||
                                     operation.kind == OperationKind::conn_release,
                      .site = operation.site});
}

}  // namespace LEASH_NAMESPACE::net::detail
