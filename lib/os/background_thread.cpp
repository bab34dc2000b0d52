#include <pthread.h>

#include <csignal>
#include <leash/os/background_thread.hpp>
#include <leash/os/thread_names.hpp>
#include <memory>
#include <system_error>
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
  expect_own_thread();
  try {
    return std::thread([own = std::move(work)]() mutable {
      name_own_thread();
      own();
    });
  } catch (...) {
    forget_own_thread();
    throw;
  }
}

void start_background_thread(std::move_only_function<void()> work) {
  using Work = std::move_only_function<void()>;
  auto owned = std::make_unique<Work>(std::move(work));
  // Detached from its first moment on. pthread_detach(3) of glibc 2.36 looks at a thread that may have ended meanwhile
  // and be another one by now: where threads come and go it fails, and std::thread then ends the program.
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  const auto run = [](void* argument) -> void* {
    const std::unique_ptr<Work> own(static_cast<Work*>(argument));
    name_own_thread();
    (*own)();
    return nullptr;
  };
  int error = 0;
  {
    const BlockedSignals blocked;
    pthread_t thread{};
    expect_own_thread();
    error = ::pthread_create(&thread, &attributes, run, owned.get());
  }
  ::pthread_attr_destroy(&attributes);
  if (error != 0) {
    forget_own_thread();
    throw std::system_error(error, std::generic_category());
  }
  static_cast<void>(owned.release());
}

}  // namespace LEASH_NAMESPACE::os
