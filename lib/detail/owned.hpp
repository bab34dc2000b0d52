#pragma once

#include <leash/config.hpp>
#include <utility>

namespace LEASH_NAMESPACE::detail {

/// What a Context owns, whatever its type.
struct Owned {
  Owned() = default;
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  virtual ~Owned();
};

template <class T>
struct OwnedValue final : Owned {
  // NOLINTNEXTLINE(performance-unnecessary-value-param): it is moved, if T can be
  explicit OwnedValue(T value_) : value(std::move(value_)) {}

  T value;
};

}  // namespace LEASH_NAMESPACE::detail
