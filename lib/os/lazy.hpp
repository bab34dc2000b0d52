#pragma once

#include <atomic>
#include <leash/config.hpp>
#include <leash/os/happens_before.hpp>

namespace LEASH_NAMESPACE::os {

/// An object that is made when it is first asked for and never destroyed: static variables may use it while the program
/// ends. Two threads may make one at once, of which one is kept; so no thread waits for another, which a forked child
/// might not have.
template <class T>
class Lazy {
 public:
  constexpr Lazy() noexcept = default;
  Lazy(const Lazy&) = delete;
  Lazy& operator=(const Lazy&) = delete;

  template <class Make>
  T& get(Make make) {
    T* object = object_.load(std::memory_order_acquire);
    if (object != nullptr) {
      happens_after(this);
      return *object;
    }
    T* const fresh = make();
    happens_before(this);
    if (object_.compare_exchange_strong(object, fresh, std::memory_order_acq_rel)) return *fresh;
    delete fresh;
    happens_after(this);
    return *object;
  }

 private:
  std::atomic<T*> object_{nullptr};
};

}  // namespace LEASH_NAMESPACE::os
