#pragma once

#include <dlfcn.h>

#include <atomic>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::interpose {

/// The function of the C library that one of ours stands in front of: the next one of that name (dlsym(3)).
template <class Signature>
class Real {
 public:
  explicit constexpr Real(const char* name) noexcept : name_(name) {}

  template <class... Arguments>
  auto operator()(Arguments... arguments) const {
    return get()(arguments...);
  }

  /// Null if there is none.
  Signature* get() const noexcept {
    Signature* known = function_.load(std::memory_order_relaxed);
    if (known == nullptr) {
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
