#pragma once

#include <leash/config.hpp>
#include <leash/os/fork.hpp>
#include <mutex>
#include <shared_mutex>

namespace LEASH_NAMESPACE::os {

/// A lock for short critical sections, which a forked child finds free: see fork.hpp. A thread that holds one must not
/// wait for anything but another such lock, and must not call code that is not leash's own (callbacks, virtual
/// functions of the user).
template <class Lock>
class Gated {
 public:
  constexpr Gated() noexcept = default;
  Gated(const Gated&) = delete;
  Gated& operator=(const Gated&) = delete;

  void lock() {
    Gate::enter();
    lock_.lock();
  }
  bool try_lock() {
    Gate::enter();
    if (lock_.try_lock()) return true;
    Gate::leave();
    return false;
  }
  void unlock() {
    lock_.unlock();
    Gate::leave();
  }

  void lock_shared() {
    Gate::enter();
    lock_.lock_shared();
  }
  void unlock_shared() {
    lock_.unlock_shared();
    Gate::leave();
  }

 private:
  Lock lock_;
};

using Mutex = Gated<std::mutex>;
using SharedMutex = Gated<std::shared_mutex>;

}  // namespace LEASH_NAMESPACE::os
