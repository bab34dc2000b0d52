#pragma once

#include <leash/config.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// Whether all of `text` is `pattern`, in which `*` stands for any text. Takes at most the product of their lengths.
bool is_like(std::string_view text, std::string_view pattern);

/// Whether a function, by its name as reports print it, is like `pattern`: with its parameters, without them, or by the
/// name of the function that it is local to.
bool function_is_like(std::string_view function, std::string_view pattern);

/// Whether `file` is like `pattern`, or what follows one of its slashes is.
bool file_is_like(std::string_view file, std::string_view pattern);

}  // namespace LEASH_NAMESPACE::track::detail
