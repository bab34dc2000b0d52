#pragma once

#include <leash/config.hpp>
#include <leash/os/fork.hpp>
#include <mutex>
#include <shared_mutex>

namespace LEASH_NAMESPACE::os {

/// A lock for short critical sections, which a forked child finds free: see fork.hpp. While a thread has one, it must
/// not wait for anything but another such lock, nor call what is not leash's own.
template <class Lock>
class Gated {
 public:
  constexpr Gated() noexcept = default;
  Gated(const Gated&) = delete;
  Gated& operator=(const Gated&) = delete;

  void lock() {
    enter_gate();
    lock_.lock();
  }
  bool try_lock() {
    enter_gate();
    if (lock_.try_lock()) return true;
    leave_gate();
    return false;
  }
  void unlock() {
    lock_.unlock();
    leave_gate();
  }

  void lock_shared() {
    enter_gate();
    lock_.lock_shared();
  }
  void unlock_shared() {
    lock_.unlock_shared();
    leave_gate();
  }

 private:
  Lock lock_;
};

using Mutex = Gated<std::mutex>;
using SharedMutex = Gated<std::shared_mutex>;

}  // namespace LEASH_NAMESPACE::os
