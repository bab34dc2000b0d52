#include <fmt/format.h>

#include <algorithm>
#include <leash/detail/escape.hpp>
#include <leash/track/report/columns.hpp>
#include <leash/track/report/event_text.hpp>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {
namespace {

using leash::detail::escape;

/// Where a frame is: its line, else the offset in its module, else nothing.
std::string where_text(const Explained::Frame& frame) {
  if (frame.place) return place_text(frame.place);
  if (frame.module.empty()) return {};
  const std::string_view module = std::string_view(frame.module).substr(frame.module.rfind('/') + 1);
  return fmt::format("{}+{:#x}", escape(module), frame.offset);
}

/// The function in at most `width` columns: first its parameters go, then its middle.
std::string function_text(const Explained::Frame& frame, std::size_t width) {
  if (frame.function.empty()) return frame.module.empty() ? "(in no library that is loaded)" : "";
  std::string function = escape(frame.function, frame.function.size());
  if (columns(function) <= width) return function;
  const std::size_t parameters = function.find('(');
  const bool ends_with_them = parameters != 0 && function.ends_with(')');
  return shorten_middle(ends_with_them ? function.substr(0, parameters) + "(…)" : function, width);
}

/// Lines of source, numbered up to `last`, which is marked.
std::string lines_text(const std::vector<std::string>& lines, unsigned last, const TextOptions& options) {
  std::string text;
  const std::size_t digits = std::to_string(last).size();
  for (std::size_t at = 0; at < lines.size(); ++at) {
    const bool marked = at + 1 == lines.size();
    const std::size_t number = last - (lines.size() - 1 - at);
    const std::string head = fmt::format("      {} {:>{}} | ", marked ? '>' : ' ', number, digits);
    const std::size_t room = options.width - std::min(options.width, columns(head));
    std::string line = lines[at];
    if (columns(line) > room) line = shorten_middle(line, std::max<std::size_t>(room, 20));
    text += marked ? paint(head, bold, options) + line + "\n" : head + line + "\n";
  }
  return text;
}

}  // namespace

std::string paint(std::string_view text, std::string_view color, const TextOptions& options) {
  return options.color ? fmt::format("\x1b[{}m{}\x1b[0m", color, text) : std::string(text);
}

std::string place_text(const Location& place) {
  return place.line == 0 ? escape(place.file) : fmt::format("{}:{}", escape(place.file), place.line);
}

std::string event_text(const Explained::Event& event, bool first, const TextOptions& options) {
  static constexpr std::size_t widest_place = 40;
  static constexpr std::size_t narrowest_function = 16;
  if (event.frames.empty()) return {};
  if (!event.has_stack && !first) return fmt::format("  {} {}\n", event.verb, place_text(event.place));
  std::size_t column = 0;
  for (const Explained::Frame& frame : event.frames) {
    column = std::max(column, std::min(columns(where_text(frame)), widest_place));
  }
  std::string text = fmt::format("  {}\n", event.verb);
  for (const Explained::Frame& frame : event.frames) {
    const std::string where = where_text(frame);
    const std::string_view mark = frame.inlined ? "  (inlined)" : "";
    const std::size_t begin = 4 + std::max(columns(where), column) + 2;
    const std::size_t room = options.width - std::min(options.width, begin + mark.size());
    const std::string function = function_text(frame, std::max(room, narrowest_function));
    const std::size_t padding = function.empty() ? 0 : begin - 4 - columns(where);
    text += fmt::format("    {}{:{}}{}{}\n", where, "", padding, function, mark);
    text += lines_text(frame.lines, event.place.line, options);
  }
  return text;
}

}  // namespace LEASH_NAMESPACE::track::detail
