#include <algorithm>
#include <leash/os/open_descriptors.hpp>
#include <leash/track/report/apply_suppressions.hpp>
#include <leash/track/report/user_frames.hpp>
#include <leash/track/symbols.hpp>

namespace LEASH_NAMESPACE::track::detail {
namespace {

/// Whether `line` matches the group. The site where the resource was opened counts as a frame, so that a line also
/// matches where no stack was captured.
bool matches(const Suppressions::Line& line, const Group& group, const Plumbing& plumbing) {
  const auto fits = [&](std::string_view function, std::string_view file) {
    return line.matches(group.rule, group.kind, function, file);
  };
  if (group.rule == Rule::untracked) return fits({}, os::target_of_descriptor(group.instances.front().name));
  if (line.top) {
    const auto [function, file] = function_and_file_of(group.opened, plumbing);
    return fits(function, file);
  }
  if (fits(abridge(group.opened.site.function_name()), group.opened.site.file_name())) return true;
  for (const Event* const event : {&group.opened, &group.again}) {
    for (const std::uintptr_t address : event->stack.addresses) {
      for (const Frame& frame : resolve(address)) {
        if (fits(frame.function, frame.file)) return true;
      }
    }
  }
  return false;
}

}  // namespace

void apply_suppressions(Report& report, const Suppressions& suppressions) {
  for (const Suppressions::Line& line : suppressions.lines()) report.suppressions.push_back({line});
  if (report.suppressions.empty()) return;
  std::erase_if(report.groups, [&](const Group& group) {
    for (SuppressionUse& use : report.suppressions) {
      if (!matches(use.line, group, report.plumbing)) continue;
      // A group that would exceed `max` is reported whole: nobody can say which of its resources are the additional
      // ones.
      if (use.line.max && use.resources + group.count > *use.line.max) continue;
      ++use.findings;
      use.resources += group.count;
      return true;
    }
    return false;
  });
}

}  // namespace LEASH_NAMESPACE::track::detail
