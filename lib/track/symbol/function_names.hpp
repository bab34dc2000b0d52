#pragma once

#include <leash/config.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// `symbol` demangled if it is a mangled name of the Itanium C++ ABI, else unchanged; empty for null.
std::string demangle(const char* symbol);

/// `path` without `./`, `a/../` and doubled slashes, which come from joining the directories in debug information.
std::string tidy_path(std::string_view path);

}  // namespace LEASH_NAMESPACE::track::detail
