#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <leash/net/detail/waker.hpp>

namespace LEASH_NAMESPACE::net::detail {

Waker::~Waker() { close(); }

void Waker::prepare() noexcept {
  const std::lock_guard lock(mutex_);
  if (event_ == -1) event_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void Waker::wait(int descriptor, short events) noexcept {
  // When the process is out of descriptors there is no event, and a wait must not become one without end.
  static constexpr int without_event_ms = 20;
  int event = -1;
  {
    const std::lock_guard lock(mutex_);
    event = event_;
  }
  std::array<pollfd, 2> polled{pollfd{descriptor, events, 0}, pollfd{event, POLLIN, 0}};
  const int ready = ::poll(polled.data(), polled.size(), event == -1 ? without_event_ms : -1);
  if (ready > 0 && polled[1].revents != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto drained = ::read(event, &count, sizeof count);
  }
}

void Waker::wake() noexcept {
  const std::lock_guard lock(mutex_);
  if (event_ == -1) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(event_, &one, sizeof one);
}

void Waker::close() noexcept {
  const std::lock_guard lock(mutex_);
  if (event_ != -1) ::close(event_);
  event_ = -1;
}

}  // namespace LEASH_NAMESPACE::net::detail
