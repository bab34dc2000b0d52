#include <leash/fault/detail/plan_state.hpp>
#include <leash/fault/detail/strike.hpp>
#include <leash/fault/sweep.hpp>
#include <leash/fs/fault_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <optional>
#include <string>
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
    : HookedFileSystem(inner, Opens::under_plan), options_(std::move(options)) {}

FaultFS::FaultFS(MemoryFS& inner, Options options)
    : HookedFileSystem(inner, Opens::under_plan), options_(std::move(options)), memory_(&inner) {}

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
  if (fault->effect == fault::Effect::crash) {
    if (const std::string wrong = crash(operation); !wrong.empty()) {
      return operation.fail(std::errc::io_error, "injected: the machine stops; " + wrong);
    }
  }
  return fault::detail::strike(*fault, operation, transfer, next);
}

std::string FaultFS::crash(const Operation& operation) const {
  if (options_.on_crash) options_.on_crash(operation.context);
  if (!options_.after_crash || memory_ == nullptr) return {};
  std::string wrong;
  for (unsigned seed = 0; seed < options_.crash_clones; ++seed) {
    MemoryFS left = memory_->crash_clone(seed);
    const Result<void> checked = options_.after_crash(operation.context, left);
    if (checked) continue;
    wrong = "after a crash: " + to_string(checked.error());
    fault::expect(Call(operation.context, operation.site), false, wrong);
  }
  return wrong;
}

}  // namespace LEASH_NAMESPACE::fs
