#pragma once

#include <leash/config.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// Whether `pattern`, in which `*` stands for any text, matches the whole of `text`. Takes time in proportion to the
/// product of their lengths at most.
bool is_like(std::string_view text, std::string_view pattern);

/// Whether `pattern` matches `function`, a name as reports print it: with its parameters, without them, or up to the
/// first parenthesis, which for `f()::local::g(int)` is `f`, the function that it is local to.
bool function_is_like(std::string_view function, std::string_view pattern);

/// Whether `pattern` matches the path `file`, or a part of it from some folder on (what follows one of its slashes).
bool file_is_like(std::string_view file, std::string_view pattern);

}  // namespace LEASH_NAMESPACE::track::detail
