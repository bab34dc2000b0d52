#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <leash/detail/chrono.hpp>

namespace LEASH_NAMESPACE::interpose {

/// What `leash run` tells the program that it becomes, by the variable LEASH_RUN of its environment: words with commas
/// between them, `fail`, `follow`, `every=60000` (milliseconds).
struct Orders {
  bool fail_on_leak = false;
  bool follow = false;                ///< Programs that it starts, and forked children, are on the leash too.
  std::chrono::milliseconds every{};  ///< How often is said what has changed; 0 for never.
  bool to_files = false;              ///< The report goes where LEASH_REPORT says.
};

/// What was read when the program began.
const Orders& orders() noexcept;

/// Reads the environment, and takes from it what only this program is to see: what it starts has the environment that
/// it would have without leash, unless that is to be followed. Once, before `main`.
void take_orders();

/// The environment of a program that takes the place of this one (execve(2)), which is on the leash as this one is: of
/// this process alone, and of its children if they are followed. Async-signal-safe.
class LeashedEnvironment {
 public:
  /// `is_child`: whether it is a child that takes another program's place, by vfork(2), which no count of forks tells.
  LeashedEnvironment(char* const* environment, bool is_child) noexcept;
  LeashedEnvironment(const LeashedEnvironment&) = delete;
  LeashedEnvironment& operator=(const LeashedEnvironment&) = delete;
  ~LeashedEnvironment();

  /// That of the constructor itself, where nothing changes.
  char* const* get() const noexcept { return environment_; }

 private:
  char* const* environment_;
  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace LEASH_NAMESPACE::interpose
