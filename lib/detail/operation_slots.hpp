#pragma once

#include <array>
#include <cstddef>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/operation_count.hpp>
#include <leash/os/mutex.hpp>
#include <leash/result.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::detail {

/// A count for each of so many kinds of operation. Thread-safe.
template <std::size_t kinds>
class OperationSlots {
 public:
  using Counts = std::array<OperationCount, kinds>;

  /// Does `operation`, which `next` carries out, and counts it.
  template <class Operation, class Next>
  Result<void> count(Operation& operation, Next next) {
    const Clock::time_point began = operation.context.clock()->now();
    Result<void> result = next();
    add(operation, began, result.has_value());
    return result;
  }

  /// Counts `operation`, which is over.
  template <class Operation>
  void add(const Operation& operation, Clock::time_point began, bool succeeded) {
    const OperationCount one{.calls = 1,
                             .errors = succeeded ? std::uint64_t{0} : std::uint64_t{1},
                             .bytes = operation.transferred,
                             .time = operation.context.clock()->now() - began};
    Slot& slot = slots_[static_cast<std::size_t>(operation.kind)];
    const std::lock_guard lock(slot.mutex);
    slot.count += one;
  }

  Counts counts() {
    return each([](const OperationCount& count) { return count; });
  }

  /// The same, and begins again at 0.
  Counts reset() {
    return each([](OperationCount& count) { return std::exchange(count, {}); });
  }

 private:
  /// Shares no cache line with the others.
  struct alignas(64) Slot {
    os::Mutex mutex;
    OperationCount count;
  };

  /// What `function` returns for each count, called with the count locked.
  template <class Function>
  Counts each(Function function) {
    Counts counts;
    for (std::size_t kind = 0; kind != kinds; ++kind) {
      const std::lock_guard lock(slots_[kind].mutex);
      counts[kind] = function(slots_[kind].count);
    }
    return counts;
  }

  std::array<Slot, kinds> slots_;
};

}  // namespace LEASH_NAMESPACE::detail
