#pragma once

#include <leash/config.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// `symbol` demangled if it is a mangled name of the Itanium C++ ABI, else unchanged; empty for null. Where the C++
/// runtime does not understand the name, as that of GCC 12 none with a constraint, the result is what can be told of
/// it: `app::Box<…>`, or the function around a lambda.
std::string demangle(const char* symbol);

/// The qualified name in `function`, a signature as `abridge` returns it: without the parameters, and what is behind
/// them. That of a lambda ends with it: `app::run()::{lambda()#1}`.
std::string_view name_without_parameters(std::string_view function) noexcept;

/// Whether a test framework made up the name of `function`. Such a name has a number in it that changes when a test is
/// added before it.
bool is_named_by_framework(std::string_view function) noexcept;

/// `path` without `./`, `a/../` and doubled slashes, which come from joining the directories in debug information.
std::string tidy_path(std::string_view path);

}  // namespace LEASH_NAMESPACE::track::detail
