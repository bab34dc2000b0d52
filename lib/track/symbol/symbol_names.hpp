#pragma once

#include <leash/config.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// The readable form of a symbol: demangled by the Itanium C++ ABI if it is mangled, else as it is.
std::string demangle(const char* symbol);

/// A path without `./`, `a/../` and doubled slashes, as debug information joins them.
std::string tidy_path(std::string_view path);

}  // namespace LEASH_NAMESPACE::track::detail
