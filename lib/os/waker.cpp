#include <algorithm>
#include <array>
#include <ctime>
#include <leash/os/waker.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::os {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constinit thread_local bool waits = false;

std::timespec to_timespec(nanoseconds time) noexcept {
  const auto whole = std::chrono::duration_cast<seconds>(time);
  return {.tv_sec = whole.count(), .tv_nsec = (time - whole).count()};
}

}  // namespace

Waker::Wait::Wait(Waker& waker) noexcept
    : waker_(waker),
      nested_(std::exchange(waits, true)),
      socket_(nested_ ? WakeSocket::make() : WakeSocket::of_this_thread()) {
  const std::lock_guard lock(waker_.mutex_);
  waker_.socket_ = socket_;
}

Waker::Wait::~Wait() {
  {
    const std::lock_guard lock(waker_.mutex_);
    waker_.socket_ = WakeSocket();
  }
  if (nested_) {
    socket_.close();
  } else {
    waits = false;
  }
}

void Waker::Wait::until(std::span<pollfd> polled, std::optional<nanoseconds> timeout) noexcept {
  // Without a socket, which a process out of descriptors cannot get, `wake` cannot end this poll: so it times out.
  static constexpr nanoseconds longest_without_socket = std::chrono::milliseconds(20);
  if (socket_.number() == -1) timeout = std::min(timeout.value_or(longest_without_socket), longest_without_socket);
  polled.back() = {.fd = socket_.number(), .events = POLLIN, .revents = 0};
  const std::timespec time = to_timespec(std::max(timeout.value_or(nanoseconds::zero()), nanoseconds::zero()));
  ::ppoll(polled.data(), polled.size(), timeout ? &time : nullptr, nullptr);
  if (polled.back().revents != 0 && !socket_.drain() && !nested_) forget_wake_socket();
}

void Waker::Wait::until(int descriptor, short events, std::optional<nanoseconds> timeout) noexcept {
  std::array<pollfd, 2> polled{pollfd{descriptor, events, 0}, pollfd{}};
  until(std::span(polled), timeout);
}

void Waker::wake() noexcept {
  const std::lock_guard lock(mutex_);
  if (socket_.number() != -1) socket_.wake();
}

}  // namespace LEASH_NAMESPACE::os
