#include <leash/fault/detail/plan_state.hpp>
#include <leash/fault/detail/strike.hpp>
#include <leash/fs/fault_fs.hpp>
#include <optional>
#include <utility>

namespace LEASH_NAMESPACE::fs {
namespace {

using fault::detail::Transfer;

Transfer transfer_of(OperationKind kind) noexcept {
  switch (kind) {
    case OperationKind::file_read:
    case OperationKind::file_read_at:
      return Transfer::read;
    case OperationKind::file_write:
    case OperationKind::file_write_at:
      return Transfer::write_all;
    default:
      return Transfer::none;
  }
}

}  // namespace

FaultFS::FaultFS(FileSystem& inner) : HookedFileSystem(inner, Opens::under_plan) {}

FaultFS::FaultFS(FileSystem& inner, Options options)
    : HookedFileSystem(inner, Opens::under_plan), on_crash_(std::move(options.on_crash)) {}

Result<void> FaultFS::around(Operation& operation, Next next) {
  fault::detail::PlanState* const plan = fault::detail::find_plan(operation.context);
  if (plan == nullptr) return next();
  const Transfer transfer = transfer_of(operation.kind);
  const std::optional<fault::Fault> fault = plan->visit({.operation = to_string(operation.kind),
                                                         .subject = operation.path,
                                                         .offset = operation.offset,
                                                         .size = transfer == Transfer::none ? 0 : operation.size,
                                                         .writes = transfer == Transfer::write_all,
                                                         .site = operation.site});
  if (!fault) return next();
  if (fault->effect == fault::Effect::crash && on_crash_) on_crash_(operation.context);
  return fault::detail::strike(*fault, operation, transfer, next);
}

}  // namespace LEASH_NAMESPACE::fs
