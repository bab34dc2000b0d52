#include <fmt/format.h>

#include <algorithm>
#include <leash/detail/escape.hpp>
#include <leash/track/report/columns.hpp>
#include <leash/track/report/event_text.hpp>
#include <leash/track/symbol/function_names.hpp>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {
namespace {

using leash::detail::escape;

/// Where `frame` is: `file:line`, or `libx.so+0x1f0` (module and offset) if the file is unknown, or nothing if both
/// are.
std::string where_text(const Explained::Frame& frame) {
  if (frame.place) return location_text(frame.place);
  if (frame.module.empty()) return {};
  const std::string_view module = std::string_view(frame.module).substr(frame.module.rfind('/') + 1);
  return fmt::format("{}+{:#x}", escape(module), frame.offset);
}

/// The function of `frame` in at most `width` columns. If it is too long, `(…)` stands for its parameters; if it still
/// is, `…` stands for its middle.
std::string function_text(const Explained::Frame& frame, std::size_t width) {
  if (frame.function.empty()) return frame.module.empty() ? "(in no library that is loaded)" : "";
  std::string function = escape(frame.function, frame.function.size());
  if (columns(function) <= width) return function;
  const std::string_view name = name_without_parameters(function);
  const bool ends_with_parameters = name.size() < function.size() && function.ends_with(')');
  return shorten_middle(ends_with_parameters ? std::string(name) + "(…)" : function, width);
}

/// Consecutive lines of source with their numbers. `last` is the number of the last one, which gets a mark.
std::string lines_text(const std::vector<std::string>& lines, unsigned last, const TextOptions& options) {
  std::string text;
  const std::size_t digits = std::to_string(last).size();
  for (std::size_t at = 0; at < lines.size(); ++at) {
    const bool marked = at + 1 == lines.size();
    const std::size_t number = last - (lines.size() - 1 - at);
    const std::string head = fmt::format("      {} {:>{}} | ", marked ? '>' : ' ', number, digits);
    const std::size_t room = options.width - std::min(options.width, columns(head));
    const std::string line = shorten_end(lines[at], std::max<std::size_t>(room, 20));
    text += marked ? paint(head, bold, options) + line + "\n" : head + line + "\n";
  }
  return text;
}

}  // namespace

std::string paint(std::string_view text, std::string_view color, const TextOptions& options) {
  return options.color ? fmt::format("\x1b[{}m{}\x1b[0m", color, text) : std::string(text);
}

std::string location_text(const Location& place) {
  const std::string file = escape(place.file, place.file.size());
  return place.line == 0 ? file : fmt::format("{}:{}", file, place.line);
}

std::string event_text(const Explained::Event& event, bool first, const TextOptions& options) {
  static constexpr std::size_t widest_where = 40;        // A longer one moves only its own function to the right.
  static constexpr std::size_t narrowest_function = 24;  // Also beside a place that leaves less: most names are whole.
  if (!event.operation.empty()) return fmt::format("  {} {}\n", event.verb, event.operation);
  if (event.frames.empty()) return {};
  if (!event.has_stack && !first) return fmt::format("  {} {}\n", event.verb, location_text(event.place));
  std::size_t where_width = 0;
  for (const Explained::Frame& frame : event.frames) {
    where_width = std::max(where_width, std::min(columns(where_text(frame)), widest_where));
  }
  std::string text = fmt::format("  {}\n", event.verb);
  for (const Explained::Frame& frame : event.frames) {
    const std::string where = where_text(frame);
    const std::string_view mark = frame.inlined ? "  (inlined)" : "";
    const std::size_t function_column = 4 + std::max(columns(where), where_width) + 2;
    const std::size_t room = options.width - std::min(options.width, function_column + mark.size());
    const std::string function = function_text(frame, std::max(room, narrowest_function));
    const std::size_t padding = function.empty() ? 0 : function_column - 4 - columns(where);
    text += fmt::format("    {}{:{}}{}{}\n", where, "", padding, function, mark);
    text += lines_text(frame.lines, event.place.line, options);
  }
  return text;
}

}  // namespace LEASH_NAMESPACE::track::detail
