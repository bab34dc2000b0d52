#include <leash/detail/escape.hpp>
#include <leash/track/report/folded.hpp>
#include <leash/track/report/writers.hpp>
#include <map>
#include <ranges>
#include <string_view>

namespace LEASH_NAMESPACE::track {
namespace {

/// A name as a part of a line: what separates the parts becomes something else.
std::string part(std::string_view name) {
  std::string plain = leash::detail::escape(name, std::string::npos);
  for (char& letter : plain) {
    if (letter == ';') letter = ':';
  }
  return plain;
}

std::string line_of(const Explained::Group& group) {
  const Explained::Event* const event = detail::opening_of(group);
  if (event == nullptr || event->frames.empty()) return part(detail::place_name(group));
  std::string line;
  for (const Explained::Frame& frame : event->frames | std::views::reverse) {
    if (!line.empty()) line += ';';
    line += part(detail::frame_name(frame));
    if (frame.inlined) line += "_[i]";
  }
  return line;
}

}  // namespace

std::string folded(const Explained& explained) {
  std::map<std::string, std::uint64_t> counts;
  std::uint64_t shown = 0;
  for (const Explained::Group& group : explained.groups) {
    counts[line_of(group)] += group.count;
    shown += group.count;
  }
  if (shown < explained.total_resources) counts["[not shown]"] += explained.total_resources - shown;
  std::string out;
  for (const auto& [line, count] : counts) {
    if (count != 0) out += line + ' ' + std::to_string(count) + '\n';
  }
  return out;
}

}  // namespace LEASH_NAMESPACE::track
