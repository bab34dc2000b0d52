#pragma once

#include <array>
#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/fs/hooked_file_system.hpp>
#include <memory>

namespace LEASH_NAMESPACE::fs {

/// How often operations were called, and what came of it.
struct OperationCount {
  std::uint64_t calls = 0;    ///< Those that are over.
  std::uint64_t errors = 0;   ///< How many of them failed.
  std::uint64_t bytes = 0;    ///< How many bytes they have read or written.
  Clock::duration time = {};  ///< How long they have taken, by the clocks of their Contexts.

  OperationCount& operator+=(const OperationCount& other) noexcept;
  friend bool operator==(const OperationCount&, const OperationCount&) = default;
};

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
  struct Slots;

  const std::unique_ptr<Slots> slots_;
};

}  // namespace LEASH_NAMESPACE::fs
