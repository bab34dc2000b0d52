#pragma once

#include <span>
#include <string_view>

namespace leash_tool {

/// `leash run`, with the words behind it. Becomes the program that is run; returns the exit status if it cannot.
int run(std::span<const std::string_view> words);

}  // namespace leash_tool
