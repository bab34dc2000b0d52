#pragma once

#include <leash/config.hpp>

namespace LEASH_NAMESPACE::detail {

/// A static object that is made by the compiler, needs no memory, and is never destroyed: destructors of other static
/// objects may use it.
template <class T>
union Immortal {
  constexpr Immortal() noexcept : object() {}
  constexpr ~Immortal() {}  // NOLINT(modernize-use-equals-default): it must not destroy the object

  T object;
};

}  // namespace LEASH_NAMESPACE::detail
