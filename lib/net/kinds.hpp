#pragma once

#include <leash/config.hpp>
#include <leash/track/kind.hpp>

/// What reports call connections, listeners and streams (see `TrackedStream`).
namespace LEASH_NAMESPACE::net::kinds {

inline constexpr track::Kind connection{"connection", "connections"};
inline constexpr track::Kind listener{"listener", "listeners"};
inline constexpr track::Kind stream{"stream", "streams"};

}  // namespace LEASH_NAMESPACE::net::kinds
