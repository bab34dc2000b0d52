#pragma once

#include <dlfcn.h>

#include <atomic>
#include <cerrno>
#include <leash/config.hpp>
#include <type_traits>

namespace LEASH_NAMESPACE::interpose {

/// The function of the C library that one of ours stands in front of: the next one of that name (dlsym(3)).
template <class Signature>
class Real {
 public:
  explicit constexpr Real(const char* name) noexcept : name_(name) {}

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
  Signature* get() const noexcept {
    Signature* known = function_.load(std::memory_order_relaxed);
    if (known == nullptr) [[unlikely]] {
      known = reinterpret_cast<Signature*>(::dlsym(RTLD_NEXT, name_));
      function_.store(known, std::memory_order_relaxed);
    }
    return known;
  }

 private:
  const char* name_;
  mutable std::atomic<Signature*> function_{nullptr};
};

}  // namespace LEASH_NAMESPACE::interpose
