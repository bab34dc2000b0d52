#pragma once

#include <leash/config.hpp>
#include <leash/track/kind.hpp>

/// What reports call the handles of file systems.
namespace LEASH_NAMESPACE::fs::kinds {

inline constexpr track::Kind file{"file", "files"};
inline constexpr track::Kind directory{"directory", "directories"};

}  // namespace LEASH_NAMESPACE::fs::kinds
