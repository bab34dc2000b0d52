#pragma once

#include <leash/config.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// The line `line` of the text file `file` and the one before it, numbered and marked for a report, each line of
/// the result after `indent`. Empty if the file cannot be read, has no such line, or is no regular file.
std::string excerpt(const std::string& file, unsigned line, std::string_view indent);

}  // namespace LEASH_NAMESPACE::track::detail
