#include <pthread.h>

#include <csignal>
#include <leash/os/background_thread.hpp>
#include <utility>

namespace LEASH_NAMESPACE::os {
namespace {

/// Blocks all signals in the calling thread while it lives.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

std::thread start_thread(std::move_only_function<void()> work) {
  // The new thread inherits the signal mask of this one.
  const BlockedSignals blocked;
  return std::thread(std::move(work));
}

void start_background_thread(std::move_only_function<void()> work) { start_thread(std::move(work)).detach(); }

}  // namespace LEASH_NAMESPACE::os
