#pragma once

#include <atomic>
#include <leash/config.hpp>
#include <leash/os/happens_before.hpp>

namespace LEASH_NAMESPACE::os {

/// An object that the first `get` makes and nobody destroys, so that destructors of static variables may still use it.
/// Thread-safe. Threads that call `get` for the first time at once may each make an object; one is kept and the others
/// are deleted. So no thread waits for another, which might be lost in a forked child (as with a static local
/// variable).
template <class T>
class Lazy {
 public:
  constexpr Lazy() noexcept = default;
  Lazy(const Lazy&) = delete;
  Lazy& operator=(const Lazy&) = delete;

  /// The object; calls `make()`, which returns a `new T`, if there is none yet. Throws what `make` does.
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
