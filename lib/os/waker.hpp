#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/mutex.hpp>

namespace LEASH_NAMESPACE::os {

/// Ends one thread's wait for a descriptor from another thread. A waiter makes a Wait, checks whether there is still a
/// reason to wait, and calls `until`; who takes the reason away calls `wake` afterwards. No wake-up is lost between the
/// two.
///
/// It has a descriptor only during a Wait, and one thread at a time may have a Wait. A forked child leaves the one of a
/// thread that it does not have alone: it is the parent's too, or its number is something else's by now.
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

    /// Waits until `descriptor` has one of the poll events, or has failed, or `wake` was called; may also return for
    /// nothing.
    void until(int descriptor, short events) noexcept;

   private:
    Waker& waker_;
    const int event_;
  };

  void wake() noexcept;

 private:
  os::Mutex mutex_;
  int event_ = -1;
  std::uint32_t generation_ = 0;  ///< Of the process whose event it is.
};

}  // namespace LEASH_NAMESPACE::os
