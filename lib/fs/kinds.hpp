#pragma once

#include <leash/config.hpp>
#include <leash/track/kind.hpp>

/// What reports call the handles of file systems.
namespace LEASH_NAMESPACE::fs::kinds {

inline constexpr track::Kind file{"file", "files"};
inline constexpr track::Kind directory{"directory", "directories"};
inline constexpr track::Kind mapping{"mapping", "mappings"};
inline constexpr track::Kind temp_file{"temporary file", "temporary files"};
inline constexpr track::Kind temp_dir{"temporary directory", "temporary directories"};
inline constexpr track::Kind writer{"buffered writer", "buffered writers"};

}  // namespace LEASH_NAMESPACE::fs::kinds
