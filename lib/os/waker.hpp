#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/mutex.hpp>

namespace LEASH_NAMESPACE::os {

/// Lets one thread end another thread's wait for a descriptor. No wake-up is lost if both keep this order:
///
///     waiting thread: make a Wait, check whether there is still a reason to wait, call `until`
///     waking thread:  take the reason away, call `wake`
///
/// It has a descriptor (an eventfd) only during a Wait, and one thread at a time may have a Wait. `wake` in a forked
/// child does not touch the eventfd of a Wait of the parent: it would wake the parent's thread, or write to whatever
/// has the number by then.
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

    /// Waits until `descriptor` has one of `events` (those of poll(2)) or an error, or until `wake` is called. May
    /// return spuriously.
    void until(int descriptor, short events) noexcept;

   private:
    Waker& waker_;
    const int eventfd_;  ///< -1 if the process was out of descriptors.
  };

  /// Ends the Wait that there is, if any. Any thread may call it.
  void wake() noexcept;

 private:
  os::Mutex mutex_;
  int eventfd_ = -1;              ///< Of the current Wait; -1 without one.
  std::uint32_t generation_ = 0;  ///< The `fork_generation` of the process that made the Wait.
};

}  // namespace LEASH_NAMESPACE::os
