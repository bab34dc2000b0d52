#include <unistd.h>

#include <algorithm>
#include <leash/detail/escape.hpp>
#include <leash/fault/detail/errno_name.hpp>
#include <leash/fault/sweep_result.hpp>
#include <leash/os/terminal.hpp>
#include <leash/track/report/columns.hpp>
#include <leash/track/report/explain.hpp>
#include <leash/track/report/text.hpp>
#include <ostream>
#include <string_view>

namespace LEASH_NAMESPACE::fault {
namespace {

std::string number_of(std::uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + ' ' + std::string(count == 1 ? one : many);
}

/// What an operation does that fails: "leaks this connection". Of several it is without the `s`.
std::string deed_of(const track::Group& finding, bool one) {
  const std::string thing = "this " + std::string(finding.kind.one);
  const std::string s = one ? "s" : "";
  switch (finding.rule) {
    case track::Rule::leaked:
      return "leak" + s + ' ' + thing;
    case track::Rule::dropped:
      return "drop" + s + ' ' + thing + " without close";
    case track::Rule::double_close:
      return "close" + s + ' ' + thing + " twice";
    case track::Rule::use_after_close:
      return "use" + s + ' ' + thing + " after its close";
    case track::Rule::outlived_parent:
      return "close" + s + " what " + thing + " depends on first";
    case track::Rule::opened_after_end:
      return "open" + s + ' ' + thing + " after the verdict";
    default:
      return "leave" + s + ' ' + thing + " open";
  }
}

std::string deed_of(const SweepGroup& group, bool one) {
  const std::string s = one ? "s" : "";
  switch (group.trouble) {
    case Trouble::finding:
      return deed_of(*group.finding, one);
    case Trouble::threw:
      return "make" + s + " the body throw: " + leash::detail::escape(group.what);
    case Trouble::died:
      return "end" + s + " the process, which " + leash::detail::escape(group.what);
    case Trouble::reported:
      return "make" + s + " a sanitizer report: " + leash::detail::escape(group.what);
    case Trouble::hung:
      return "make" + s + " the body last longer than its deadline";
    case Trouble::broken:
      return "break" + s + " an invariant: " + leash::detail::escape(group.what);
    case Trouble::swallowed:
      return one ? "is swallowed, or made good: the body returns success"
                 : "are swallowed, or made good: the body returns success";
  }
  return {};
}

std::string what_of(const SweepGroup& group, std::uint64_t points) {
  if (group.operations == 0)
    return "without any fault, the body " + [&] {
      if (group.trouble == Trouble::threw) return "throws: " + leash::detail::escape(group.what);
      if (group.trouble == Trouble::died) return "ends its process, which " + leash::detail::escape(group.what);
      if (group.trouble == Trouble::reported) return "makes a sanitizer report: " + leash::detail::escape(group.what);
      if (group.trouble == Trouble::hung) return std::string("lasts longer than its deadline");
      if (group.trouble == Trouble::broken) return "breaks an invariant: " + leash::detail::escape(group.what);
      return deed_of(group, true);
    }();
  return std::to_string(group.operations) + " of " + number_of(points, "failing operation ", "failing operations ") +
         deed_of(group, group.operations == 1);
}

/// The text of what was found, as a tracker's report has it, but for its first line.
std::string text_of_finding(const SweepGroup& group, std::string what, std::size_t width) {
  track::Report report;
  report.verdict = true;
  report.groups.push_back(*group.finding);
  report.groups.front().severity = group.severity;
  const track::Explained explained = explain(report);
  track::Explained::Group explained_group = explained.groups.front();
  explained_group.what = std::move(what);
  return track::text(explained_group, {.width = width});
}

std::string text_of(const SweepGroup& group, const SweepResult& result, std::size_t width) {
  const std::string what = what_of(group, result.points);
  std::string text;
  if (group.finding) {
    text = text_of_finding(group, what, width);
  } else {
    if (group.place)
      text = leash::detail::escape(group.place.file_name()) + ':' + std::to_string(group.place.line()) + ": ";
    text += std::string(group.severity == track::Severity::failure ? "error: " : "note: ") + what + '\n';
  }
  for (const SweepExample& example : group.examples) {
    if (&example != group.examples.data() && group.severity != track::Severity::failure) break;
    const bool first = &example == group.examples.data();
    text += track::detail::wrap(first ? "  e.g. when " : "  or when ", example.faults, "    ", width);
    text += "    LEASH_REPLAY=" + example.token + '\n';
  }
  if (group.without_fault && group.operations != 0) text += "  and without any fault\n";
  return text + '\n';
}

std::string totals_of(const SweepResult& result) {
  std::string text = number_of(result.points, "point", "points");
  if (result.points_after_faults != 0) {
    text += " (" + std::to_string(result.points_after_faults) + " of them come to only after a fault)";
  }
  text += ", " + number_of(result.runs, "run", "runs");
  const auto whole_ms = std::chrono::duration_cast<std::chrono::milliseconds>(result.time);
  text += " in " + (whole_ms.count() == 0 ? "less than 1ms" : detail::duration_text(whole_ms));
  if (result.pruned != 0) text += "; " + number_of(result.pruned, "pair", "pairs") + " pruned";
  if (result.left_out != 0) text += "; left out: at least " + number_of(result.left_out, "run", "runs");
  return text + '.';
}

}  // namespace

bool SweepResult::ok() const noexcept {
  return problems.empty() && std::ranges::none_of(groups, [](const SweepGroup& group) {
           return group.severity == track::Severity::failure;
         });
}

std::string to_string(const SweepResult& result) {
  constexpr std::size_t max_groups = 20;
  const std::size_t width = os::terminal_width(STDERR_FILENO).value_or(80);
  std::string text;
  for (const std::string& problem : result.problems) text += "error: " + problem + "\n\n";
  for (std::size_t index = 0; index < std::min(result.groups.size(), max_groups); ++index) {
    text += text_of(result.groups[index], result, width);
  }
  if (result.groups.size() > max_groups) {
    text += "and " + number_of(result.groups.size() - max_groups, "group", "groups") + " more\n\n";
  }
  for (const std::string& remark : result.remarks) text += "remark: " + remark + '\n';
  return text + "sweep: " + totals_of(result);
}

std::ostream& operator<<(std::ostream& out, const SweepResult& result) { return out << to_string(result); }

}  // namespace LEASH_NAMESPACE::fault
