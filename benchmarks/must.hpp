#pragma once

#include <cstdlib>
#include <leash/result.hpp>
#include <type_traits>
#include <utility>

namespace bench {

/// The value of a Result that cannot fail here.
template <class T>
T must(leash::Result<T> result) {
  if (!result) std::abort();
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

inline void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace bench
