#pragma once

#include <array>
#include <leash/config.hpp>
#include <leash/detail/pimpl.hpp>
#include <leash/net/network_hook.hpp>
#include <leash/operation_count.hpp>

namespace LEASH_NAMESPACE::detail {
template <std::size_t kinds>
class OperationSlots;
}

namespace LEASH_NAMESPACE::net {

/// What a CountingHook has counted, by the kind of operation.
struct OperationCounts {
  std::array<OperationCount, operation_kinds> by_kind;

  const OperationCount& operator[](OperationKind kind) const noexcept {
    return by_kind[static_cast<std::size_t>(kind)];
  }

  /// The sum of all kinds.
  OperationCount total() const noexcept;
};

/// Counts the operations of dialers and binders and of their handles; `AsyncCountingHook` those of asynchronous ones.
/// The time of an operation on a handle goes by the clock of the Context that it was opened with, and that of a `dial`,
/// `accept`, `read` or `write` is mostly waiting.
class CountingHook final : public NetworkHook {
 public:
  CountingHook();
  ~CountingHook() override;

  /// What was counted until now. Of operations that end meanwhile in other threads each is counted as a whole or not at
  /// all.
  OperationCounts counts() const;

  /// Returns what `counts` would, and begins again at 0. Each operation is in one result of `reset`, or in what comes
  /// after the last one.
  OperationCounts reset();

 protected:
  Result<void> around(Operation& operation, Next next) override;

 private:
  friend class AsyncCountingHook;

  /// Counts `operation`, which is over.
  void add(const Operation& operation, Clock::time_point began, bool succeeded);

  leash::detail::Pimpl<leash::detail::OperationSlots<operation_kinds>> slots_;
};

}  // namespace LEASH_NAMESPACE::net
