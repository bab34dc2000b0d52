#pragma once

#include <poll.h>

#include <leash/config.hpp>
#include <leash/detail/chrono.hpp>
#include <leash/os/mutex.hpp>
#include <leash/os/wake_socket.hpp>
#include <optional>
#include <span>

namespace LEASH_NAMESPACE::os {

/// Lets one thread end another thread's wait for descriptors. No wake-up is lost if both keep this order:
///
///     waiting thread: make a Wait, check whether there is still a reason to wait, call `until`
///     waking thread:  take the reason away, call `wake`
///
/// It costs the waiting thread one descriptor, which the thread keeps for its next Wait; one thread at a time may have
/// a Wait. `wake` in a forked child does not touch a Wait of the parent.
class Waker {
 public:
  Waker() noexcept = default;
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  class Wait {
   public:
    explicit Wait(Waker& waker) noexcept;
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    ~Wait();

    /// Waits until one of `polled` has what it asks for, or an error (see poll(2)), or until `wake` is called, or
    /// `timeout` has passed. `polled` has one entry more at its end, for the Wait. May return spuriously.
    void until(std::span<pollfd> polled, std::optional<std::chrono::nanoseconds> timeout) noexcept;

    /// The same for one descriptor.
    void until(int descriptor, short events, std::optional<std::chrono::nanoseconds> timeout) noexcept;

   private:
    Waker& waker_;
    const bool nested_;  ///< The thread waits already: this one has a socket of its own.
    const WakeSocket socket_;
  };

  /// Ends the Wait that there is, if any. Any thread may call it.
  void wake() noexcept;

 private:
  os::Mutex mutex_;
  WakeSocket socket_;  ///< Of the current Wait; none without one.
};

}  // namespace LEASH_NAMESPACE::os
