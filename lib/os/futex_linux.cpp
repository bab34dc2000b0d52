#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>
#include <leash/os/futex.hpp>

namespace LEASH_NAMESPACE::os {
namespace {

/// The result is of no use: whatever it is, callers check their condition again. errno is kept, because the callers of
/// a lock do not expect it to change.
void futex(const std::atomic<std::uint32_t>& word, int operation, std::uint32_t value,
           const std::timespec* deadline = nullptr) noexcept {
  static_assert(sizeof word == sizeof(std::uint32_t));
  const int saved = errno;
  ::syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, deadline, nullptr, FUTEX_BITSET_MATCH_ANY);
  errno = saved;
}

}  // namespace

void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept {
  futex(word, FUTEX_WAIT, expected);
}

void futex_wait_until(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                      std::chrono::steady_clock::time_point deadline) noexcept {
  using std::chrono::nanoseconds;
  // FUTEX_WAIT_BITSET takes an absolute time of CLOCK_MONOTONIC, the clock behind steady_clock.
  const std::int64_t time = std::max<std::int64_t>(nanoseconds(deadline.time_since_epoch()).count(), 0);
  std::timespec at{};
  at.tv_sec = static_cast<std::time_t>(time / 1'000'000'000);
  at.tv_nsec = static_cast<long>(time % 1'000'000'000);
  futex(word, FUTEX_WAIT_BITSET, expected, &at);
}

void futex_wake_one(const std::atomic<std::uint32_t>& word) noexcept { futex(word, FUTEX_WAKE, 1); }
void futex_wake_all(const std::atomic<std::uint32_t>& word) noexcept { futex(word, FUTEX_WAKE, INT_MAX); }

}  // namespace LEASH_NAMESPACE::os
