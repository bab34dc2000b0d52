#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <mutex>

namespace LEASH_NAMESPACE::track::detail {

/// How many forks lie between this process and the one that loaded leash. A lock that is held by a thread of an earlier
/// generation is held by nobody: that thread is not here.
std::uint32_t fork_generation() noexcept;

/// Guards what threads seldom come to and leave at once, in all trackers. It is the forking thread's own while it forks
/// (pthread_atfork(3)), so the child finds it free and what it guards whole. Nothing may be called under it that waits.
extern constinit std::mutex rare_paths;

/// A mutex that a forked child can take although a thread it does not have held it. What it guards must bear that.
class ForkSafeMutex {
 public:
  void lock() noexcept;
  void unlock() noexcept;

 private:
  /// 0: free. Else the generation of the holder, plus 1.
  std::atomic<std::uint32_t> holder_{0};
};

}  // namespace LEASH_NAMESPACE::track::detail
