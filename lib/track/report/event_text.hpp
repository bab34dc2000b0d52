#pragma once

#include <leash/config.hpp>
#include <leash/track/report/explain.hpp>
#include <leash/track/report/text.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// Parameters of SGR (ECMA-48).
inline constexpr std::string_view bold = "1";
inline constexpr std::string_view dim = "2";
inline constexpr std::string_view red = "1;31";
inline constexpr std::string_view green = "32";
inline constexpr std::string_view cyan = "36";

/// `text` in that colour, where colours are wanted.
std::string paint(std::string_view text, std::string_view color, const TextOptions& options);

/// `file:line`, or the file alone where the line is not known.
std::string place_text(const Location& place);

/// How the program came to an event: the verb, and below it the stack, with the lines of source. Where no stack was
/// kept, only the place behind the verb; but of the `first` event of a group also what is known of its function. Each
/// line ends with a newline.
std::string event_text(const Explained::Event& event, bool first, const TextOptions& options);

}  // namespace LEASH_NAMESPACE::track::detail
