#include <fmt/format.h>

#include <algorithm>
#include <leash/detail/escape.hpp>
#include <leash/track/report/columns.hpp>
#include <leash/track/report/event_text.hpp>
#include <leash/track/report/numbers.hpp>
#include <leash/track/report/text.hpp>
#include <ranges>
#include <string_view>

namespace LEASH_NAMESPACE::track {
namespace {

using detail::bold;
using detail::counted;
using detail::cyan;
using detail::dim;
using detail::duration_text;
using detail::green;
using detail::location_text;
using detail::red;
using detail::size_text;
using detail::with_commas;
using detail::wrap;
using leash::detail::escape;

class Writer {
 public:
  explicit Writer(const TextOptions& options) : options_(options) {}

  /// The block of one group.
  std::string group(const Explained::Group& group) const {
    std::string text;
    if (group.place) {
      const std::string column = group.place.column == 0 ? "" : fmt::format(":{}", group.place.column);
      text = paint(location_text(group.place) + column, bold) + ": ";
    }
    const bool failure = group.severity == Severity::failure;
    text += fmt::format("{}: {} [{}]\n", paint(failure ? "error" : "note", failure ? red : cyan), escape(group.what),
                        group.finding ? to_string(group.rule) : "open");
    if (!group.counted && !group.instances.empty()) text += wrap("  ", identity(group), "    ", options_.width);
    if (!group.instances.empty() && !group.instances.front().notes.empty()) {
      text += wrap("  while: ", joined_notes(group.instances.front().notes), "    ", options_.width);
    }
    const auto first = std::ranges::find(group.events, std::string(), &Explained::Event::operation);
    for (auto each = group.events.begin(); each != group.events.end(); ++each) {
      text += detail::event_text(*each, each == first, options_);
    }
    const auto unread = std::ranges::find_if(group.events, [](const auto& each) { return !each.unread.empty(); });
    if (unread != group.events.end()) text += fmt::format("  names could not be read: {}\n", escape(unread->unread));
    if (!group.instances.empty() && group.instances.front().last_use) {
      const Explained::LastUse& use = *group.instances.front().last_use;
      const std::string where = use.operation.empty() ? "at " + location_text(use.place) : "in " + use.operation;
      text += wrap("  ", fmt::format("last used {}, {} {}", where, duration_text(use.ago), use.before), "    ",
                   options_.width);
    }
    if (!group.finding) return text += others_closed_at_text(group, "  others from here were closed at ", "\n");
    if (!group.advice.empty()) {
      text += wrap(paint("  fix: ", green),
                   escape(group.advice) + others_closed_at_text(group, "; others from here are closed at ", ""), "    ",
                   options_.width);
    }
    if (!group.suppression.empty()) {
      text += paint("  suppress: ", dim) + escape(group.suppression, std::string::npos) + "\n";
    }
    return text;
  }

  /// The whole report.
  std::string report(const Explained& explained) const {
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
  std::string paint(std::string_view text, std::string_view color) const {
    return detail::paint(text, color, options_);
  }

  std::string paragraph(const std::string& line) const { return line.empty() ? line : paint(line, bold) + "\n\n"; }

  /// `before`, where other resources of the group's place were closed, and `after`. Empty if that is unknown.
  static std::string others_closed_at_text(const Explained::Group& group, std::string_view before,
                                           std::string_view after) {
    if (!group.others_closed_at) return {};
    return fmt::format("{}{}{}", before, location_text(group.others_closed_at), after);
  }

  static std::string threads(const std::vector<unsigned>& numbers) {
    static constexpr std::size_t most_shown = 3;
    return fmt::format("thread{} {}{}", numbers.size() == 1 ? "" : "s",
                       fmt::join(std::views::take(numbers, most_shown), ", "),
                       numbers.size() > most_shown ? ", …" : "");
  }

  /// Which resources are in the group: "10.0.0.1:80, and 2 more; open for 1.2 s; thread 1".
  static std::string identity(const Explained::Group& group) {
    const Explained::Instance& first = group.instances.front();
    std::string text = first.name.empty() ? "(no name)" : escape(first.name);
    if (!first.parent.empty()) text += " of " + escape(first.parent);
    if (first.bytes_in != 0 || first.bytes_out != 0) {
      text += fmt::format(" ({} in, {} out)", size_text(first.bytes_in), size_text(first.bytes_out));
    }
    if (group.count > 1) text += fmt::format(", and {} more", with_commas(group.count - 1));
    const std::string shortest = duration_text(group.min_age);
    const std::string longest = duration_text(group.max_age);
    // Nobody knows it of what is told by its number alone.
    const bool has_age = group.max_age != Clock::duration::zero();
    if (has_age && group.rule != Rule::untracked && group.rule != Rule::opened_after_end) {
      text += "; open for " + (shortest == longest ? longest : shortest + " to " + longest);
    }
    if (!group.threads.empty()) text += "; " + threads(group.threads);
    if (first.perhaps_closed) text += "; perhaps closed through its base";
    if (first.descriptor < 0) return text;
    if (group.count == 1) return text += fmt::format("; descriptor {}", first.descriptor);
    if (group.rule != Rule::untracked) return text;
    const auto numbers = group.instances | std::views::transform(&Explained::Instance::descriptor);
    return text +=
           fmt::format("; descriptors {}{}", fmt::join(numbers, ", "), group.count > numbers.size() ? ", …" : "");
  }

  /// "request 7 > load user".
  static std::string joined_notes(const std::vector<std::string>& notes) {
    const auto texts = notes | std::views::transform([](const std::string& note) {
                         return note.empty() ? std::string("(empty)") : escape(note);
                       });
    return fmt::format("{}", fmt::join(texts, " > "));
  }

  /// How many groups `max_groups` left out. Empty if none.
  std::string left_out(const Explained& explained) const {
    if (explained.total_groups <= explained.groups.size()) return {};
    const std::uint64_t groups = explained.total_groups - explained.groups.size();
    std::uint64_t shown = 0;
    for (const Explained::Group& group : explained.groups)
      shown += std::min(group.count, explained.total_resources - shown);
    return wrap("",
                fmt::format("{} left out, of {}. LEASH_MAX_GROUPS=all or Options::max_groups shows them.",
                            counted(groups, "smaller group", "smaller groups"),
                            counted(explained.total_resources - shown, "handle", "handles")),
                "", options_.width) +
           "\n";
  }

  /// The lines of the suppressions, each with what it left out of the report, or "not used".
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
      // Something is still open, but is no finding: a suppression or the baseline covers it, or the severity of
      // `leaked` is `off`.
      if (explained.opened != explained.closed) text = "No findings. ";
    } else {
      const bool verdict = explained.verdict;
      text = fmt::format(
          "{}: {}.", counted(explained.total_groups, verdict ? "finding" : "place", verdict ? "findings" : "places"),
          escape(explained.sums, 4096));
      // A report to `Options::on_late` has no numbers of handles.
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

std::string text(const Explained& explained, const TextOptions& options) {
  if (!tracking_enabled && explained.groups.empty())
    return "Nothing was tracked: leash was built with LEASH_TRACKING=OFF.";
  return Writer(options).report(explained);
}

std::string text(const Explained::Group& group, const TextOptions& options) { return Writer(options).group(group); }

}  // namespace LEASH_NAMESPACE::track
