#include <fmt/format.h>

#include <unistd.h>
#include <algorithm>
#include <leash/detail/escape.hpp>
#include <leash/os/terminal.hpp>
#include <leash/track/report/advice.hpp>
#include <leash/track/report/columns.hpp>
#include <leash/track/report/text.hpp>
#include <ostream>
#include <ranges>
#include <string_view>

namespace LEASH_NAMESPACE::track {
namespace {

using detail::columns;
using detail::counted;
using detail::with_commas;
using detail::wrap;
using leash::detail::escape;

std::string duration_text(Clock::duration duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (seconds >= 7200) return fmt::format("{:.1f} h", seconds / 3600);
  if (seconds >= 120) return fmt::format("{:.1f} min", seconds / 60);
  if (seconds >= 1) return fmt::format("{:.1f} s", seconds);
  return fmt::format("{:.0f} ms", seconds * 1000);
}

std::string place_text(const Location& place) {
  return place.line == 0 ? escape(place.file) : fmt::format("{}:{}", escape(place.file), place.line);
}

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
  const std::string function = escape(frame.function, frame.function.size());
  if (columns(function) <= width) return function;
  const std::size_t parameters = function.find('(');
  const bool ends_with_them = parameters != 0 && function.ends_with(')');
  return detail::shorten_middle(ends_with_them ? function.substr(0, parameters) + "(…)" : function, width);
}

class Writer {
 public:
  explicit Writer(const TextOptions& options) : options_(options) {}

  std::string group(const Explained::Group& group) const {
    std::string text;
    if (group.place) {
      const std::string column = group.place.column == 0 ? "" : fmt::format(":{}", group.place.column);
      text = paint(place_text(group.place) + column, bold) + ": ";
    }
    const bool failure = group.severity == Severity::failure;
    text += fmt::format("{}: {} [{}]\n", paint(failure ? "error" : "note", failure ? red : cyan), escape(group.what),
                        group.finding ? to_string(group.rule) : "open");
    if (!group.counted && !group.instances.empty()) text += wrap("  ", identity(group), "    ", options_.width);
    if (!group.instances.empty() && !group.instances.front().notes.empty()) {
      text += wrap("  while: ", trail(group.instances.front().notes), "    ", options_.width);
    }
    for (const Explained::Event& each : group.events) text += event(each);
    const auto unread = std::ranges::find_if(group.events, [](const auto& each) { return !each.unread.empty(); });
    if (unread != group.events.end()) text += fmt::format("  names could not be read: {}\n", escape(unread->unread));
    if (!group.instances.empty() && group.instances.front().last_use) {
      const Explained::LastUse& use = *group.instances.front().last_use;
      text +=
          wrap("  ", fmt::format("last used at {}, {} {}", place_text(use.place), duration_text(use.ago), use.before),
               "    ", options_.width);
    }
    if (!group.finding) return text += others(group, "  others from here were closed at ", "\n");
    text += wrap(paint("  fix: ", green), escape(group.advice) + others(group, "; others from here are closed at ", ""),
                 "    ", options_.width);
    return text += paint("  suppress: ", dim) + group.suppression + "\n";
  }

  std::string all(const Explained& explained) const {
    std::string text;
    if (explained.groups.size() != 1) text = paragraph(headline(explained, options_.width));
    for (const Explained::Group& each : explained.groups) text += group(each) + "\n";
    text += left_out(explained) + suppressions(explained);
    for (const std::string& remark : explained.remarks)
      text += wrap("", escape(remark, 4096), "", options_.width) + "\n";
    text += totals(explained);
    return text;
  }

 private:
  static constexpr std::string_view bold = "1";
  static constexpr std::string_view dim = "2";
  static constexpr std::string_view red = "1;31";
  static constexpr std::string_view green = "32";
  static constexpr std::string_view cyan = "36";

  std::string paint(std::string_view text, std::string_view color) const {
    return options_.color ? fmt::format("\x1b[{}m{}\x1b[0m", color, text) : std::string(text);
  }

  std::string paragraph(const std::string& line) const { return line.empty() ? line : paint(line, bold) + "\n\n"; }

  static std::string others(const Explained::Group& group, std::string_view before, std::string_view after) {
    if (!group.others_closed_at) return {};
    return fmt::format("{}{}{}", before, place_text(group.others_closed_at), after);
  }

  static std::string threads(const std::vector<unsigned>& numbers) {
    static constexpr std::size_t most_shown = 3;
    return fmt::format("thread{} {}{}", numbers.size() == 1 ? "" : "s",
                       fmt::join(std::views::take(numbers, most_shown), ", "),
                       numbers.size() > most_shown ? ", …" : "");
  }

  static std::string identity(const Explained::Group& group) {
    const Explained::Instance& first = group.instances.front();
    std::string text = first.name.empty() ? "(no name)" : escape(first.name);
    if (!first.parent.empty()) text += " of " + escape(first.parent);
    if (group.count > 1) text += fmt::format(", and {} more", with_commas(group.count - 1));
    const std::string shortest = duration_text(group.min_age);
    const std::string longest = duration_text(group.max_age);
    if (group.rule != Rule::untracked && group.rule != Rule::opened_after_end) {
      text += "; open for " + (shortest == longest ? longest : shortest + " to " + longest);
    }
    if (!group.threads.empty()) text += "; " + threads(group.threads);
    if (first.descriptor < 0) return text;
    if (group.count == 1) return text += fmt::format("; descriptor {}", first.descriptor);
    if (group.rule != Rule::untracked) return text;
    const auto numbers = group.instances | std::views::transform(&Explained::Instance::descriptor);
    return text +=
           fmt::format("; descriptors {}{}", fmt::join(numbers, ", "), group.count > numbers.size() ? ", …" : "");
  }

  static std::string trail(const std::vector<std::string>& notes) {
    const auto texts = notes | std::views::transform([](const std::string& note) {
                         return note.empty() ? std::string("(empty)") : escape(note);
                       });
    return fmt::format("{}", fmt::join(texts, " > "));
  }

  /// How the program came there: the verb and a stack; or where there is none, and nothing more to show, the place.
  std::string event(const Explained::Event& event) const {
    static constexpr std::size_t widest_place = 40;
    static constexpr std::size_t narrowest_function = 16;
    if (event.frames.empty()) return {};
    const bool excerpt = std::ranges::any_of(event.frames, [](const auto& frame) { return !frame.lines.empty(); });
    if (!event.has_stack && !excerpt) return fmt::format("  {} {}\n", event.verb, place_text(event.place));
    std::size_t column = 0;
    for (const Explained::Frame& frame : event.frames) {
      column = std::max(column, std::min(columns(where_text(frame)), widest_place));
    }
    std::string text = fmt::format("  {}\n", event.verb);
    for (const Explained::Frame& frame : event.frames) {
      const std::string where = where_text(frame);
      const std::string_view mark = frame.inlined ? "  (inlined)" : "";
      const std::size_t begin = 4 + std::max(columns(where), column) + 2;
      const std::size_t room = options_.width - std::min(options_.width, begin + mark.size());
      const std::string function = function_text(frame, std::max(room, narrowest_function));
      const std::size_t padding = function.empty() ? 0 : begin - 4 - columns(where);
      text += fmt::format("    {}{:{}}{}{}\n", where, "", padding, function, mark);
      text += lines(frame.lines, event.place.line);
    }
    return text;
  }

  std::string lines(const std::vector<std::string>& lines, unsigned last) const {
    std::string text;
    const std::size_t digits = std::to_string(last).size();
    for (std::size_t at = 0; at < lines.size(); ++at) {
      const bool marked = at + 1 == lines.size();
      const std::size_t number = last - (lines.size() - 1 - at);
      const std::string head = fmt::format("      {} {:>{}} | ", marked ? '>' : ' ', number, digits);
      const std::size_t room = options_.width - std::min(options_.width, columns(head));
      std::string line = lines[at];
      if (columns(line) > room) line = detail::shorten_middle(line, std::max<std::size_t>(room, 20));
      text += marked ? paint(head, bold) + line + "\n" : head + line + "\n";
    }
    return text;
  }

  std::string left_out(const Explained& explained) const {
    const std::uint64_t groups = explained.total_groups - explained.groups.size();
    if (groups == 0) return {};
    std::uint64_t shown = 0;
    for (const Explained::Group& group : explained.groups) shown += group.count;
    return wrap("",
                fmt::format("{} left out, of {}. LEASH_MAX_GROUPS=all or Options::max_groups shows them.",
                            counted(groups, "smaller group", "smaller groups"),
                            counted(explained.total_resources - shown, "handle", "handles")),
                "", options_.width) +
           "\n";
  }

  /// What was silenced, and which lines silence nothing any more.
  static std::string suppressions(const Explained& explained) {
    if (explained.suppressions.empty()) return {};
    std::string text = "Suppressions:\n";
    for (const Explained::Suppression& each : explained.suppressions) {
      const std::string used = each.findings == 0 ? "not used"
                                                  : fmt::format("{}, {}", counted(each.findings, "finding", "findings"),
                                                                counted(each.resources, "resource", "resources"));
      const std::string reason = each.reason.empty() ? "" : "  # " + escape(each.reason);
      text += fmt::format("  {}: {}: {}{}\n", escape(each.where), escape(each.line), used, reason);
    }
    return text + "\n";
  }

  std::string totals(const Explained& explained) const {
    std::string text;
    if (explained.total_groups == 0) {
      text = explained.verdict ? "Nothing was left open. " : "Nothing is open. ";
      // What a suppression or the baseline covers, or a tag whose leak is no finding.
      if (explained.opened != explained.closed) text = "No findings. ";
    } else {
      const bool verdict = explained.verdict;
      text = fmt::format(
          "{}: {}.", counted(explained.total_groups, verdict ? "finding" : "place", verdict ? "findings" : "places"),
          escape(explained.sums, 4096));
      // Nothing is counted for a finding after the verdict.
      if (explained.opened == 0) return text;
      text += " ";
    }
    text += fmt::format("{} opened, {} closed.", counted(explained.opened, "handle", "handles"),
                        with_commas(explained.closed));
    text = wrap("", text, "", options_.width);
    text.pop_back();
    return text;
  }

  const TextOptions& options_;
};

}  // namespace

TextOptions TextOptions::of_descriptor(int number) noexcept {
  return {.width = os::terminal_width(number).value_or(80), .color = os::takes_color(number)};
}

std::string text(const Explained& explained, const TextOptions& options) {
  if (!tracking_enabled) return "Nothing was tracked: leash was built with LEASH_TRACKING=OFF.";
  return Writer(options).all(explained);
}

std::string text(const Explained::Group& group, const TextOptions& options) { return Writer(options).group(group); }

void print(const Report& report, std::FILE* out) {
  const std::string lines = text(explain(report), TextOptions::of_descriptor(::fileno(out))) + "\n";
  std::fwrite(lines.data(), 1, lines.size(), out);
}

std::string to_string(const Report& report) {
  return text(explain(report), {.width = os::terminal_width(STDERR_FILENO).value_or(80)});
}

std::ostream& operator<<(std::ostream& out, const Report& report) { return out << to_string(report); }

}  // namespace LEASH_NAMESPACE::track
