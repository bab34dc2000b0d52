#include <leash/detail/operation_slots.hpp>
#include <leash/net/counting_hook.hpp>

namespace LEASH_NAMESPACE::net {

OperationCount OperationCounts::total() const noexcept {
  OperationCount sum;
  for (const OperationCount& count : by_kind) sum += count;
  return sum;
}

CountingHook::CountingHook() = default;
CountingHook::~CountingHook() = default;

OperationCounts CountingHook::counts() const { return {slots_->counts()}; }

OperationCounts CountingHook::reset() { return {slots_->reset()}; }

Result<void> CountingHook::around(Operation& operation, Next next) { return slots_->count(operation, next); }

void CountingHook::add(const Operation& operation, Clock::time_point began, bool succeeded) {
  slots_->add(operation, began, succeeded);
}

}  // namespace LEASH_NAMESPACE::net
