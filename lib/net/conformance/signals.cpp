#include <csignal>
#include <ctime>
#include <leash/net/conformance/signals.hpp>

namespace LEASH_NAMESPACE::net::conformance {
namespace {

sigset_t only_sigpipe() noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  return set;
}

}  // namespace

SignalGuard::SignalGuard() noexcept {
  const sigset_t set = only_sigpipe();
  sigset_t before;
  if (pthread_sigmask(SIG_BLOCK, &set, &before) == 0) was_blocked_ = sigismember(&before, SIGPIPE) == 1;
}

SignalGuard::~SignalGuard() {
  if (was_blocked_) return;
  static_cast<void>(sigpipe_raised());
  const sigset_t set = only_sigpipe();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

bool SignalGuard::sigpipe_raised() noexcept {
  const sigset_t set = only_sigpipe();
  const timespec at_once{};
  bool raised = false;
  while (sigtimedwait(&set, nullptr, &at_once) == SIGPIPE) raised = true;
  return raised;
}

}  // namespace LEASH_NAMESPACE::net::conformance
