#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <leash/os/fork.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/waker.hpp>
#include <mutex>

namespace LEASH_NAMESPACE::os {

Waker::Wait::Wait(Waker& waker) noexcept
    : waker_(waker), eventfd_(open_own([] { return ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); })) {
  const std::lock_guard lock(waker_.mutex_);
  waker_.eventfd_ = eventfd_;
  waker_.generation_ = os::fork_generation();
}

Waker::Wait::~Wait() {
  {
    const std::lock_guard lock(waker_.mutex_);
    waker_.eventfd_ = -1;
  }
  if (eventfd_ != -1) close_own(eventfd_);
}

void Waker::Wait::until(int descriptor, short events) noexcept {
  // Without an eventfd, which a process out of descriptors cannot get, `wake` cannot end this poll: so it times out.
  static constexpr int timeout_without_eventfd_ms = 20;
  std::array<pollfd, 2> polled{pollfd{descriptor, events, 0}, pollfd{eventfd_, POLLIN, 0}};
  ::poll(polled.data(), polled.size(), eventfd_ == -1 ? timeout_without_eventfd_ms : -1);
}

void Waker::wake() noexcept {
  const std::lock_guard lock(mutex_);
  if (eventfd_ == -1 || generation_ != os::fork_generation()) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(eventfd_, &one, sizeof one);
}

}  // namespace LEASH_NAMESPACE::os
