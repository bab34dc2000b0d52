#pragma once

#include <span>
#include <string_view>

namespace leash_tool {

/// The exit statuses of the commands.
inline constexpr int fine = 0;
inline constexpr int has_failures = 1;
inline constexpr int cannot = 2;

/// Writes to standard output; if that fails, says so and returns false.
bool print(std::string_view text);

/// `leash report`: the words behind that, and what --help prints.
int report(std::span<const std::string_view> words, std::string_view usage);

}  // namespace leash_tool
