#pragma once

#include <leash/config.hpp>
#include <leash/track/kind.hpp>

/// What reports call connections and listeners.
namespace LEASH_NAMESPACE::net::kinds {

inline constexpr track::Kind connection{"connection", "connections"};
inline constexpr track::Kind listener{"listener", "listeners"};

}  // namespace LEASH_NAMESPACE::net::kinds
