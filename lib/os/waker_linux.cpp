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
    : waker_(waker), event_(open_own([] { return ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); })) {
  const std::lock_guard lock(waker_.mutex_);
  waker_.event_ = event_;
  waker_.generation_ = os::fork_generation();
}

Waker::Wait::~Wait() {
  {
    const std::lock_guard lock(waker_.mutex_);
    waker_.event_ = -1;
  }
  if (event_ != -1) close_own(event_);
}

void Waker::Wait::until(int descriptor, short events) noexcept {
  // When the process is out of descriptors there is no event, and a wait must not become one without end.
  static constexpr int without_event_ms = 20;
  std::array<pollfd, 2> polled{pollfd{descriptor, events, 0}, pollfd{event_, POLLIN, 0}};
  ::poll(polled.data(), polled.size(), event_ == -1 ? without_event_ms : -1);
}

void Waker::wake() noexcept {
  const std::lock_guard lock(mutex_);
  if (event_ == -1 || generation_ != os::fork_generation()) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(event_, &one, sizeof one);
}

}  // namespace LEASH_NAMESPACE::os
