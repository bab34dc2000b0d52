#include <leash/context.hpp>
#include <leash/fs/counting_fs.hpp>
#include <leash/os/mutex.hpp>
#include <utility>

namespace LEASH_NAMESPACE::fs {

struct CountingFS::Slots {
  /// One kind of operation, which shares no cache line with the others.
  struct alignas(64) Slot {
    os::Mutex mutex;
    OperationCount count;
  };

  /// What `function` returns for each count, called with the count locked.
  template <class Function>
  OperationCounts each(Function function) {
    OperationCounts counts;
    for (std::size_t kind = 0; kind != by_kind.size(); ++kind) {
      const std::lock_guard lock(by_kind[kind].mutex);
      counts.by_kind[kind] = function(by_kind[kind].count);
    }
    return counts;
  }

  std::array<Slot, operation_kinds> by_kind;
};

OperationCount& OperationCount::operator+=(const OperationCount& other) noexcept {
  calls += other.calls;
  errors += other.errors;
  bytes += other.bytes;
  time += other.time;
  return *this;
}

OperationCount OperationCounts::total() const noexcept {
  OperationCount sum;
  for (const OperationCount& count : by_kind) sum += count;
  return sum;
}

CountingFS::CountingFS(FileSystem& inner) : HookedFileSystem(inner), slots_(std::make_unique<Slots>()) {}
CountingFS::~CountingFS() = default;

OperationCounts CountingFS::counts() const {
  return slots_->each([](const OperationCount& count) { return count; });
}

OperationCounts CountingFS::reset() {
  return slots_->each([](OperationCount& count) { return std::exchange(count, {}); });
}

Result<void> CountingFS::around(Operation& operation, Next next) {
  const Clock& clock = *operation.context.clock();
  const Clock::time_point began = clock.now();
  Result<void> result = next();
  const OperationCount one{.calls = 1,
                           .errors = result ? std::uint64_t{0} : std::uint64_t{1},
                           .bytes = operation.transferred,
                           .time = clock.now() - began};
  Slots::Slot& slot = slots_->by_kind[static_cast<std::size_t>(operation.kind)];
  const std::lock_guard lock(slot.mutex);
  slot.count += one;
  return result;
}

}  // namespace LEASH_NAMESPACE::fs
