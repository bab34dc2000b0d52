#pragma once

#include <leash/config.hpp>
#include <leash/track/report/explain.hpp>
#include <leash/track/report/text.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// Parameters of the escape sequence SGR (ECMA-48), for `paint`.
inline constexpr std::string_view bold = "1";
inline constexpr std::string_view dim = "2";
inline constexpr std::string_view red = "1;31";
inline constexpr std::string_view green = "32";
inline constexpr std::string_view cyan = "36";

/// `text` in `color`, one of the parameters above; as it is if `options` want no colour.
std::string paint(std::string_view text, std::string_view color, const TextOptions& options);

/// `file:line`, or the file alone if the line is unknown.
std::string location_text(const Location& place);

/// The lines of the report on one event of a group. If it has a stack, or is the `first` event of its group: a line
/// with the verb, a line for each frame, and the lines of source that a frame has. Else: one line with the verb and the
/// event's location. Empty if no frame is known. Each line ends with a newline.
std::string event_text(const Explained::Event& event, bool first, const TextOptions& options);

}  // namespace LEASH_NAMESPACE::track::detail
