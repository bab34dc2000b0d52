#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <leash/fs/detail/quiet_write.hpp>

namespace LEASH_NAMESPACE::fs::detail {

ssize_t quiet_write(int descriptor, std::span<const std::byte> data) noexcept {
  sigset_t sigpipe;
  sigset_t blocked_before;
  sigset_t pending_before;
  ::sigemptyset(&sigpipe);
  ::sigaddset(&sigpipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &sigpipe, &blocked_before);
  ::sigpending(&pending_before);
  const ssize_t count = ::write(descriptor, data.data(), data.size());
  const int error = errno;
  // A pipe whose reader goes away in the middle raises it too, and returns how much it has taken.
  const bool may_have_raised = count < 0 ? error == EPIPE : static_cast<std::size_t>(count) < data.size();
  if (may_have_raised && ::sigismember(&pending_before, SIGPIPE) == 0) {
    constexpr timespec at_once{};
    while (::sigtimedwait(&sigpipe, nullptr, &at_once) == -1 && errno == EINTR) {
    }
  }
  ::pthread_sigmask(SIG_SETMASK, &blocked_before, nullptr);
  errno = error;
  return count;
}

}  // namespace LEASH_NAMESPACE::fs::detail
