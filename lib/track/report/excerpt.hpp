#pragma once

#include <leash/config.hpp>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// The line `line` of the text file `file`, and before it the one that precedes it if there is one; each as a terminal
/// may show it, cut after 160 bytes. Empty if the file cannot be read, has no such line, or is no regular file.
std::vector<std::string> excerpt(const std::string& file, unsigned line);

}  // namespace LEASH_NAMESPACE::track::detail
