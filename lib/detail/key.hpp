#pragma once

#include <leash/config.hpp>
#include <typeinfo>

namespace LEASH_NAMESPACE::detail {

/// Which of the keys of a Context's values it is; none by default.
struct Key {
  const void* address = nullptr;
  const std::type_info* type = nullptr;  ///< Null in code that is compiled without RTTI.

  /// Shared libraries may each have an address of their own for a key, but then they have equal types.
  friend bool operator==(Key a, Key b) noexcept {
    return a.address == b.address || (a.type != nullptr && b.type != nullptr && *a.type == *b.type);
  }
};

/// Not constant: linkers may merge equal constants.
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
