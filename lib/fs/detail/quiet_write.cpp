#include <pthread.h>
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
  // If the reader goes away in the middle of a write, write(2) raises the signal and yet returns the count so far.
  const bool may_have_raised = count < 0 ? error == EPIPE : static_cast<std::size_t>(count) < data.size();
  const bool was_pending = ::sigismember(&pending_before, SIGPIPE) == 1;
  if (may_have_raised && (!was_pending || count < 0)) {
    // Takes a signal that is pending for this thread, as that of the write is, before one pending for the process.
    constexpr timespec at_once{};
    siginfo_t taken{};
    while (::sigtimedwait(&sigpipe, &taken, &at_once) == -1 && errno == EINTR) {
    }
    // Two equal signals pending for one thread become one. If none is pending now, the one from before the write was
    // this thread's and was taken with it: raise it again.
    sigset_t pending;
    if (was_pending && ::sigpending(&pending) == 0 && ::sigismember(&pending, SIGPIPE) == 0) {
      if (taken.si_code == SI_QUEUE) {
        ::pthread_sigqueue(::pthread_self(), SIGPIPE, taken.si_value);
      } else {
        ::pthread_kill(::pthread_self(), SIGPIPE);
      }
    }
  }
  ::pthread_sigmask(SIG_SETMASK, &blocked_before, nullptr);
  errno = error;
  return count;
}

}  // namespace LEASH_NAMESPACE::fs::detail
