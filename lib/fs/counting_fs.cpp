#include <leash/detail/operation_slots.hpp>
#include <leash/fs/counting_fs.hpp>

namespace LEASH_NAMESPACE::fs {

OperationCount OperationCounts::total() const noexcept {
  OperationCount sum;
  for (const OperationCount& count : by_kind) sum += count;
  return sum;
}

CountingFS::CountingFS(FileSystem& inner) : HookedFileSystem(inner) {}
CountingFS::~CountingFS() = default;

OperationCounts CountingFS::counts() const { return {slots_->counts()}; }

OperationCounts CountingFS::reset() { return {slots_->reset()}; }

Result<void> CountingFS::around(Operation& operation, Next next) { return slots_->count(operation, next); }

}  // namespace LEASH_NAMESPACE::fs
