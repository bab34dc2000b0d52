#pragma once

#include <leash/config.hpp>
#include <leash/track/kind.hpp>

/// The kinds of resources that file systems hand out.
namespace LEASH_NAMESPACE::fs::kinds {

inline constexpr track::Kind file{"file", "files"};
inline constexpr track::Kind directory{"directory", "directories"};

}  // namespace LEASH_NAMESPACE::fs::kinds
