#pragma once

#include <atomic>
#include <cerrno>
#include <leash/config.hpp>
#include <type_traits>

namespace LEASH_NAMESPACE::interpose {

/// The address of a function of the C library that one of ours stands in front of: the next one of that name
/// (dlsym(3)). All lie in the section `leash_reals`.
class RealAddress {
 public:
  /// Looks all of them up. Later that could wait for a thread that loads a library, and that one for us.
  static void find_all() noexcept;

 protected:
  explicit constexpr RealAddress(const char* name) noexcept : name_(name) {}

  /// Null if this C library has none.
  void* address() const noexcept {
    void* const known = address_.load(std::memory_order_relaxed);
    return known != nullptr ? known : find();
  }

 private:
  void* find() const noexcept;

  const char* name_;
  mutable std::atomic<void*> address_{nullptr};
};

/// Such a function.
template <class Signature>
class Real : public RealAddress {
 public:
  explicit constexpr Real(const char* name) noexcept : RealAddress(name) {}

  /// Calls it. If this C library has none, fails with ENOSYS: returns -1 or null.
  template <class... Arguments>
  auto operator()(Arguments... arguments) const {
    using Returned = decltype(get()(arguments...));
    Signature* const function = get();
    if (function != nullptr) [[likely]]
      return function(arguments...);
    errno = ENOSYS;
    if constexpr (std::is_pointer_v<Returned>) {
      return Returned{nullptr};
    } else if constexpr (!std::is_void_v<Returned>) {
      return Returned{-1};
    }
  }

  /// Null if this C library has none.
  Signature* get() const noexcept { return reinterpret_cast<Signature*>(address()); }
};

}  // namespace LEASH_NAMESPACE::interpose
