#pragma once

#include <array>
#include <leash/config.hpp>
#include <leash/detail/pimpl.hpp>
#include <leash/fs/hooked_file_system.hpp>
#include <leash/operation_count.hpp>

namespace LEASH_NAMESPACE::detail {
template <std::size_t kinds>
class OperationSlots;
}

namespace LEASH_NAMESPACE::fs {

using leash::OperationCount;

/// What a CountingFS has counted, by the kind of operation.
struct OperationCounts {
  std::array<OperationCount, operation_kinds> by_kind;

  const OperationCount& operator[](OperationKind kind) const noexcept {
    return by_kind[static_cast<std::size_t>(kind)];
  }

  /// The sum of all kinds.
  OperationCount total() const noexcept;
};

/// A file system that counts the operations on it and on its handles. Those on a handle go by the clock of the Context
/// that it was opened with.
class CountingFS final : public HookedFileSystem {
 public:
  explicit CountingFS(FileSystem& inner);
  ~CountingFS() override;

  /// What was counted until now. Of operations that end meanwhile in other threads each is counted as a whole or not at
  /// all.
  OperationCounts counts() const;

  /// The same, and begins again at 0. Each operation is in one result of `reset`, or in what comes after the last one.
  OperationCounts reset();

 protected:
  Result<void> around(Operation& operation, Next next) override;

 private:
  leash::detail::Pimpl<leash::detail::OperationSlots<operation_kinds>> slots_;
};

}  // namespace LEASH_NAMESPACE::fs
