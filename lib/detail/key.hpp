#pragma once

#include <leash/config.hpp>
#include <typeinfo>

namespace LEASH_NAMESPACE::detail {

/// Identifies a key type of `Context::with_value`. The default one is no key.
struct Key {
  const void* address = nullptr;
  const std::type_info* type = nullptr;  ///< Null in code that is compiled without RTTI.

  /// Shared libraries may have different addresses for one key; its types are equal then too.
  friend bool operator==(Key a, Key b) noexcept {
    return a.address == b.address || (a.type != nullptr && b.type != nullptr && *a.type == *b.type);
  }
};

/// Its address is that of the key. Not const, because linkers may merge equal constants.
template <class T>
[[gnu::visibility("default")]] inline constinit char key_address = 0;

template <class T>
Key key_of() noexcept {
#ifdef __cpp_rtti
  return {&key_address<T>, &typeid(T)};
#else
  return {&key_address<T>, nullptr};
#endif
}

}  // namespace LEASH_NAMESPACE::detail
