#pragma once

#include <leash/config.hpp>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// Line number `line` (from 1 on) of the text file `file`, preceded by the line before it if there is one. Each is made
/// safe for a terminal, with spaces for tabs, and cut after 160 bytes. Empty if the file cannot be read or is no
/// regular file, or if it has no such line in its first 4 MiB. If the process is out of descriptors, a thread with a
/// descriptor table of its own reads the file.
std::vector<std::string> excerpt(const std::string& file, unsigned line);

}  // namespace LEASH_NAMESPACE::track::detail
