#include <fmt/format.h>

#include <algorithm>
#include <leash/detail/escape.hpp>
#include <leash/os/open_descriptors.hpp>
#include <leash/track/report.hpp>
#include <leash/track/report/excerpt.hpp>
#include <leash/track/report/user_frames.hpp>
#include <leash/track/symbol/module_lines.hpp>
#include <leash/track/symbols.hpp>
#include <ostream>
#include <ranges>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::track {
namespace {

using detail::is_users;
using detail::user_frames;
using leash::detail::escape;

/// 4812 as 4,812.
std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string duration_text(Clock::duration duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (seconds >= 7200) return fmt::format("{:.1f} h", seconds / 3600);
  if (seconds >= 120) return fmt::format("{:.1f} min", seconds / 60);
  if (seconds >= 1) return fmt::format("{:.1f} s", seconds);
  return fmt::format("{:.0f} ms", seconds * 1000);
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", grouped(count), escape(count == 1 ? one : many));
}

std::string counted(std::uint64_t count, const Kind& kind) { return counted(count, kind.one, kind.many); }

std::string location(std::string_view file, unsigned line) {
  return line == 0 ? escape(file) : fmt::format("{}:{}", escape(file), line);
}

std::string location(const Site& site) { return location(site.file_name(), site.line()); }

std::string frame_location(const Frame& frame) {
  if (!frame.file.empty()) return location(frame.file, frame.line);
  const std::string_view module = frame.module;
  return fmt::format("{}+{:#x}", module.substr(module.rfind('/') + 1), frame.offset);
}

std::string what(const Group& group, bool verdict) {
  std::string things = counted(group.count, group.kind);
  switch (group.rule) {
    case Rule::leaked:
      return things + (verdict ? " not closed" : " open");
    case Rule::dropped:
      return things + " dropped without close()";
    case Rule::double_close:
      return things + " closed twice";
    case Rule::use_after_close:
      return things + " used after close()";
    case Rule::outlived_parent:
      return things + " still open when the parent was closed";
    case Rule::opened_after_end:
      return things + " to be opened after the tracker had closed";
    case Rule::untracked:
      switch (group.origin) {
        case Origin::past_leash:
          return things + " opened past leash";
        case Origin::without_tag:
          return things + " opened without a tracker";
        case Origin::released:
          return things + " released and not closed";
      }
      return things;
    case Rule::closed_late:
      return things + " closed only after being reported";
  }
  return things;
}

std::string_view advice(const Group& group) {
  switch (group.rule) {
    case Rule::leaked:
      return "close it on every path, or let its owner end.";
    case Rule::dropped:
      if (std::ranges::find(group.instances, OnDrop::error_lost, &Instance::on_drop) != group.instances.end()) {
        return "call close() and look at what it returns: a destructor cannot tell that the last write failed.";
      }
      return "call close(): this tracker wants it of every handle.";
    case Rule::double_close:
      return "let one owner close it, once.";
    case Rule::use_after_close:
      return "close it after its last use, or stop using it first.";
    case Rule::outlived_parent:
      return "close what depends on it first.";
    case Rule::opened_after_end:
      return "let the work end before the tracker is closed.";
    case Rule::untracked:
      switch (group.origin) {
        case Origin::past_leash:
          return "open it through leash, or give it a Tag.";
        case Origin::without_tag:
          return "open it through a TrackedFS or a TrackedDialer, with a Context that has a tracker.";
        case Origin::released:
          return "close it where it was given to, or give it a Tag there.";
      }
      return {};
    case Rule::closed_late:
      return "wait for it: close(settle).";
  }
  return {};
}

/// What a last use was before, if not now.
std::string_view before_what(Rule rule) {
  switch (rule) {
    case Rule::dropped:
      return "before it was dropped";
    case Rule::double_close:
      return "before the second close";
    case Rule::use_after_close:
      return "before this use";
    case Rule::outlived_parent:
      return "before its parent was closed";
    default:
      return "ago";
  }
}

std::string threads_text(const Group& group) {
  static constexpr std::size_t most_shown = 3;
  const auto shown = std::views::take(group.threads, most_shown);
  return fmt::format("thread{} {}{}", group.threads.size() == 1 ? "" : "s", fmt::join(shown, ", "),
                     group.threads.size() > most_shown ? ", …" : "");
}

/// Whether nothing more was kept of the resources than that there are so many.
bool was_only_counted(const Group& group) {
  return group.rule != Rule::untracked && !group.opened && group.instances.front().name.empty();
}

std::string identity(const Group& group) {
  const Instance& first = group.instances.front();
  std::string text = first.name.empty() ? "(no name)" : escape(first.name);
  if (!first.parent.empty()) text += " of " + escape(first.parent);
  if (group.count > 1) text += fmt::format(", and {} more", grouped(group.count - 1));
  const std::string shortest = duration_text(group.min_age);
  const std::string longest = duration_text(group.max_age);
  if (group.rule != Rule::untracked && group.rule != Rule::opened_after_end) {
    text += "; open for " + (shortest == longest ? longest : shortest + " to " + longest);
  }
  if (!group.threads.empty()) text += "; " + threads_text(group);
  if (first.descriptor < 0) return text;
  if (group.count == 1) {
    text += fmt::format("; descriptor {}", first.descriptor);
  } else if (group.rule == Rule::untracked) {
    const auto numbers = group.instances | std::views::transform(&Instance::descriptor);
    text += fmt::format("; descriptors {}{}", fmt::join(numbers, ", "), group.count > numbers.size() ? ", …" : "");
  }
  return text;
}

std::string trail(const std::vector<Note>& notes) {
  std::vector<std::string> texts;
  texts.reserve(notes.size());
  for (const Note& note : notes) texts.push_back(note.text.empty() ? "(empty)" : escape(note.text));
  return fmt::format("{}", fmt::join(texts, " > "));
}

/// An event as it is printed: its frames, and the place an editor is to open.
struct Moment {
  explicit Moment(Event event_)
      : event(std::move(event_)),
        frames(user_frames(event.stack)),
        file(event.site.file_name()),
        line(event.site.line()) {
    if (is_users(event.site)) return;
    const auto first = std::ranges::find_if(frames, [](const Frame& frame) { return frame.line != 0; });
    if (first == frames.end()) return;
    file = first->file;
    line = first->line;
  }

  Event event;
  std::vector<Frame> frames;
  std::string file;
  unsigned line;
};

struct Line {
  std::string function;
  std::string where;
  bool excerpt = false;
};

/// Whether `frame` is at `line` of `file`. Debug information and the compiler may begin the path at different folders.
bool is_at(const Frame& frame, std::string_view file, unsigned line) {
  const std::string_view name = file.substr(file.rfind('/') + 1);
  return frame.line == line && !name.empty() && (frame.file == name || frame.file.ends_with("/" + std::string(name)));
}

/// Whether nothing at all is known of a frame: its library was unloaded.
bool is_gone(const Frame& frame) { return frame.function.empty() && frame.module.empty(); }

/// The frames as they are printed: where they have no lines, or the library of the first was unloaded, what the
/// compiler said of the call comes first.
std::vector<Line> stack_lines(const Moment& moment) {
  static constexpr std::string_view gone = "(in no library that is loaded)";
  const std::vector<Frame>& frames = moment.frames;
  std::vector<Line> lines;
  const bool has_lines = std::ranges::any_of(frames, [](const Frame& frame) { return frame.line != 0; });
  const bool by_site = moment.event.site && (!has_lines || is_gone(frames.front()));
  if (by_site) lines.push_back({abridge(moment.event.site.function_name()), location(moment.event.site), true});
  const auto shown = frames.begin() + (by_site && !frames.empty() && is_gone(frames.front()) ? 1 : 0);
  for (const Frame& frame : std::ranges::subrange(shown, frames.end())) {
    const std::string place = frame_location(frame);
    if (is_gone(frame)) {
      if (lines.empty() || lines.back().function != gone) lines.push_back({std::string(gone), ""});
    } else if (frame.function.empty()) {
      lines.push_back({place, ""});
    } else {
      const bool excerpt = std::ranges::none_of(lines, &Line::excerpt) && is_at(frame, moment.file, moment.line);
      lines.push_back({escape(frame.function), place + (frame.inlined ? "  (inlined)" : ""), excerpt});
    }
  }
  if (!lines.empty() && std::ranges::none_of(lines, &Line::excerpt)) lines.front().excerpt = true;
  return lines;
}

/// Counted in code points: names may hold letters that take several bytes.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// How the program came there: `verb` and a stack, or where there is none only the place.
std::string moment_text(std::string_view verb, const Moment& moment, bool with_excerpt) {
  static constexpr std::size_t widest_column = 64;
  const std::vector<Line> lines = stack_lines(moment);
  if (lines.empty()) return "";
  if (moment.event.stack.addresses.empty() && !with_excerpt) return fmt::format("  {} {}\n", verb, lines.front().where);
  std::size_t column = 0;
  for (const Line& entry : lines) column = std::max(column, std::min(width_of(entry.function), widest_column));
  std::string text = fmt::format("  {}\n", verb);
  for (const Line& entry : lines) {
    const std::size_t width = width_of(entry.function);
    const std::size_t padding = entry.where.empty() ? 0 : 2 + (column > width ? column - width : 0);
    text += fmt::format("    {}{:{}}{}\n", entry.function, "", padding, entry.where);
    if (entry.excerpt && with_excerpt) text += detail::excerpt(std::string(moment.file), moment.line, "      ");
  }
  return text;
}

/// The moments of a finding, each with its verb; first the one whose place a reader wants to see.
std::vector<std::pair<std::string_view, Moment>> moments_of(const Group& group) {
  std::vector<std::pair<std::string_view, Moment>> moments;
  const auto add = [&](std::string_view verb, const Event& event) {
    if (event) moments.emplace_back(verb, Moment(event));
  };
  switch (group.rule) {
    case Rule::double_close:
      add("closed again at", group.again);
      add("first closed at", group.closed);
      break;
    case Rule::use_after_close:
      add("used at", group.again);
      add("closed at", group.closed);
      break;
    case Rule::outlived_parent:
      add("the parent was closed at", group.closed);
      break;
    case Rule::closed_late:
      add("closed at", group.closed);
      break;
    case Rule::untracked:
      add("released at", group.closed);
      break;
    default:
      break;
  }
  add(group.rule == Rule::opened_after_end ? "requested at" : "opened at", group.opened);
  return moments;
}

/// Whether a test framework made the name up, from a number that changes when a test is added before it.
bool is_named_by_framework(std::string_view function) {
  return function.contains("DOCTEST_ANON_") || function.contains("C_A_T_C_H") || function.contains("CATCH2_INTERNAL_");
}

/// A line for `Suppressions` that silences this finding.
std::string suppression_for(const Group& group) {
  std::string kind(group.kind.one);
  // What cannot be printed as it is would not match.
  if (kind.empty() || kind.contains('"') || escape(kind, kind.size()) != kind) {
    kind = "*";
  } else if (kind.find_first_of(" #") != std::string::npos) {
    kind = '"' + kind + '"';
  }
  std::string pattern;
  if (group.rule == Rule::untracked) {
    pattern = os::target_of_descriptor(group.instances.front().name);
    // The number of a socket or a pipe is another one each time.
    if (const std::size_t number = pattern.find(":["); number != std::string::npos)
      pattern.replace(number, std::string::npos, ":*");
  } else if (auto [function, file] = detail::place_of(group.opened); is_named_by_framework(function)) {
    pattern = "top:" + file;
  } else if (function = function.substr(0, function.find('(')); !function.empty()) {
    pattern = "top:" + function;
  }
  while (pattern.ends_with(' ')) pattern.pop_back();
  return fmt::format("{} {} {}", to_string(group.rule), kind, pattern.empty() ? "*" : escape(pattern, pattern.size()));
}

std::string group_text(const Group& group, const Report& report) {
  const auto moments = moments_of(group);
  const Instance& instance = group.instances.front();
  const bool open = group.rule == Rule::leaked && !report.verdict;
  std::string text;
  if (!moments.empty() && !moments.front().second.file.empty()) {
    text = location(moments.front().second.file, moments.front().second.line) + ": ";
  }
  text += fmt::format("{}: {} [{}]\n", group.severity == Severity::failure ? "error" : "note",
                      what(group, report.verdict), open ? "open" : to_string(group.rule));
  if (!was_only_counted(group)) text += "  " + identity(group) + "\n";
  if (!instance.notes.empty()) text += "  while: " + trail(instance.notes) + "\n";
  for (const auto& [verb, moment] : moments) text += moment_text(verb, moment, &moment == &moments.front().second);
  for (const auto& [verb, moment] : moments) {
    const auto failed =
        std::ranges::find_if(moment.frames, [](const Frame& frame) { return frame.error != std::error_code(); });
    if (failed == moment.frames.end()) continue;
    text += fmt::format("  names could not be read: {}\n", failed->error.message());
    break;
  }
  std::vector<std::string> facts;
  if (instance.last_use && instance.last_use->site) {
    facts.push_back(fmt::format("last used at {}, {} {}", location(instance.last_use->site),
                                duration_text(instance.last_use->ago), before_what(group.rule)));
  }
  if (group.others_closed_at) facts.push_back("others from here were closed at " + location(group.others_closed_at));
  if (!facts.empty()) text += fmt::format("  {}\n", fmt::join(facts, "; "));
  if (!open) text += fmt::format("  fix: {}\n  suppress: {}\n", advice(group), suppression_for(group));
  return text;
}

/// The files that frames of the report have no lines from because nobody reads zstd, each with a line about it.
std::string unread_text(const Report& report) {
  std::set<std::string> without_lines;
  std::set<std::string> with_lines;
  for (const Group& group : report.groups) {
    for (const Event* event : {&group.opened, &group.closed, &group.again}) {
      for (const Frame& frame : user_frames(event->stack)) {
        (frame.line == 0 ? without_lines : with_lines).insert(frame.module);
      }
    }
  }
  std::string text;
  for (const std::string& module : without_lines) {
    if (with_lines.contains(module) || !detail::is_compressed_by_zstd(module)) continue;
    text += fmt::format(
        "No lines of {}: its debug information is compressed by zstd, which leash does not read; zlib it does.\n\n",
        escape(module));
  }
  return text;
}

/// "172 connections, 31 files", in the order of the groups.
std::string sums(const Report& report) {
  std::vector<std::pair<Kind, std::uint64_t>> kinds;
  for (const Group& group : report.groups) {
    const auto same = std::ranges::find(kinds, group.kind, &std::pair<Kind, std::uint64_t>::first);
    if (same == kinds.end()) {
      kinds.emplace_back(group.kind, group.count);
    } else {
      same->second += group.count;
    }
  }
  std::vector<std::string> texts;
  texts.reserve(kinds.size());
  for (const auto& [kind, count] : kinds) texts.push_back(counted(count, kind));
  return fmt::format("{}", fmt::join(texts, ", "));
}

/// What was silenced, and which lines silence nothing any more.
std::string suppressions_text(const Report& report) {
  if (report.suppressions.empty()) return "";
  std::string text = "Suppressions:\n";
  for (const auto& [line, findings, resources] : report.suppressions) {
    const std::string used = findings == 0 ? "not used"
                                           : fmt::format("{}, {}", counted(findings, "finding", "findings"),
                                                         counted(resources, "resource", "resources"));
    const std::string max = line.max ? fmt::format(" max={}", *line.max) : "";
    const std::string reason = line.reason.empty() ? "" : "  # " + escape(line.reason);
    text += fmt::format("  {}: {} {} {}{}: {}{}\n", escape(line.where), line.rule ? to_string(*line.rule) : "*",
                        line.kind.empty() ? "*" : escape(line.kind), (line.top ? "top:" : "") + escape(line.pattern),
                        max, used, reason);
  }
  return text + "\n";
}

}  // namespace

std::string to_string(const Report& report) {
  if (!tracking_enabled) return "Nothing was tracked: leash was built with LEASH_TRACKING=OFF.";
  std::string text;
  for (const Group& group : report.groups) text += group_text(group, report) + "\n";
  text += suppressions_text(report);
  text += unread_text(report);
  if (report.without_stack != 0) {
    text += fmt::format("{} without a stack: there is no room for more different ones.\n\n",
                        counted(report.without_stack, "handle", "handles"));
  }
  if (std::ranges::any_of(report.groups, was_only_counted)) {
    text += "Where they were opened is not known at level count: set Options::level or LEASH_LEVEL to stack.\n\n";
  }
  if (report.groups.empty()) {
    std::string_view summary = report.verdict ? "Nothing was left open. " : "Nothing is open. ";
    // What a suppression or the baseline covers, or a tag whose leak is no finding.
    if (report.opened != report.closed) summary = "No findings. ";
    text += summary;
  } else {
    const std::string_view one = report.verdict ? "finding" : "place";
    const std::string_view many = report.verdict ? "findings" : "places";
    text += fmt::format("{}: {}.", counted(report.groups.size(), one, many), sums(report));
    // Nothing is counted for a finding after the verdict.
    if (report.opened == 0) return text;
    text += " ";
  }
  text += fmt::format("{} opened, {} closed.", counted(report.opened, "handle", "handles"), grouped(report.closed));
  return text;
}

std::ostream& operator<<(std::ostream& out, const Report& report) { return out << to_string(report); }

}  // namespace LEASH_NAMESPACE::track
