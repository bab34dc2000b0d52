#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::net::detail {

/// The hash of several values together, of which each has a `std::hash` (the combination of Boost's `hash_combine`).
template <class... Values>
std::size_t hash_of(const Values&... values) noexcept {
  std::size_t all = 0;
  ((all ^= std::hash<Values>()(values) + std::size_t{0x9e3779b9} + (all << 6U) + (all >> 2U)), ...);
  return all;
}

}  // namespace LEASH_NAMESPACE::net::detail
