#include <leash/detail/escape.hpp>
#include <leash/track/report/github.hpp>
#include <leash/track/report/numbers.hpp>
#include <leash/track/report/text.hpp>
#include <leash/track/report/writers.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::track {
namespace {

/// How many annotations of a kind GitHub shows of a step.
constexpr std::size_t most_annotations = 10;

/// A value as it is written in a workflow command; of a property, whose end would be a comma.
std::string escaped(std::string_view text, bool property) {
  std::string out;
  for (const char letter : text) {
    switch (letter) {
      case '%':
        out += "%25";
        break;
      case '\r':
        out += "%0D";
        break;
      case '\n':
        out += "%0A";
        break;
      case ':':
        out += property ? "%3A" : ":";
        break;
      case ',':
        out += property ? "%2C" : ",";
        break;
      default:
        out += letter;
    }
  }
  return out;
}

std::string annotation(const Explained::Group& group, const SourceRoot& root, std::string_view more) {
  std::string out = detail::is_failure(group) ? "::error " : "::notice ";
  if (group.place) {
    out += "file=" + escaped(leash::detail::escape(root.relative(group.place.file)), true) + ',';
    if (group.place.line != 0) out += "line=" + std::to_string(group.place.line) + ',';
    if (group.place.column != 0) out += "col=" + std::to_string(group.place.column) + ',';
  }
  out += "title=" + escaped("leash: " + leash::detail::escape(group.what), true);
  std::string body = text(group);
  if (!more.empty()) body.append("\n").append(more).append(": see the summary of the job, or the whole report");
  return out + "::" + escaped(body, false) + '\n';
}

/// A fence of code that `text` cannot end.
std::string fenced(std::string_view text) {
  std::string fence = "```";
  while (text.contains(fence)) fence += '`';
  return fence + "\n" + std::string(text) + fence + "\n\n";
}

}  // namespace

GithubReport github(const Explained& explained, const SourceRoot& root) {
  GithubReport report;
  std::size_t failures = 0;
  std::size_t notes = 0;
  for (const Explained::Group& group : explained.groups) ++(detail::is_failure(group) ? failures : notes);
  std::size_t shown_failures = 0;
  std::size_t shown_notes = 0;
  const std::uint64_t never_explained =
      explained.total_groups - std::min<std::uint64_t>(explained.total_groups, explained.groups.size());
  for (const Explained::Group& group : explained.groups) {
    std::size_t& shown = detail::is_failure(group) ? shown_failures : shown_notes;
    const std::size_t all = detail::is_failure(group) ? failures : notes;
    if (shown == most_annotations) continue;
    ++shown;
    const bool is_last = shown == std::min(all, most_annotations);
    const std::uint64_t hidden = all - shown + (detail::is_failure(group) || failures == 0 ? never_explained : 0);
    const bool tells = is_last && hidden != 0;
    report.annotations +=
        annotation(group, root, tells ? detail::counted(hidden, "more finding", "more findings") : std::string());
  }

  if (explained.total_groups == 0) return report;
  // Room for what is said at the end.
  constexpr std::size_t room = most_github_summary - 1024;
  report.summary = "### leash: " + leash::detail::escape(explained.headline) + "\n\n";
  std::size_t shown = 0;
  for (const Explained::Group& group : explained.groups) {
    const std::string block = fenced(text(group));
    if (report.summary.size() + block.size() > room) break;
    report.summary += block;
    ++shown;
  }
  if (const std::string left_out = detail::left_out(shown, explained); !left_out.empty()) {
    report.summary += left_out + ".\n";
  }
  for (const std::string& remark : explained.remarks) {
    const std::string line = leash::detail::escape(remark) + "\n";
    if (report.summary.size() + line.size() <= most_github_summary) report.summary += line;
  }
  return report;
}

}  // namespace LEASH_NAMESPACE::track
