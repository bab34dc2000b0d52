#include <algorithm>
#include <cstring>
#include <leash/track/detail/findings.hpp>
#include <leash/track/detail/tracker_state.hpp>
#include <leash/track/report.hpp>
#include <map>
#include <tuple>
#include <utility>

namespace LEASH_NAMESPACE::track {

std::string_view to_string(Rule rule) noexcept {
  switch (rule) {
    case Rule::leaked:
      return "leaked";
    case Rule::dropped:
      return "dropped";
  }
  return "unknown";
}

bool Report::ok() const noexcept {
  return std::ranges::none_of(groups, [](const Group& group) { return group.severity == Severity::failure; });
}

namespace detail {
namespace {

/// What makes two findings equal. Texts, not their addresses: a header's site has a copy in every library.
auto key_of(const Finding& finding) {
  const Record& record = *finding.record;
  return std::tuple<Rule, Severity, std::string_view, std::string_view, unsigned, unsigned, std::string_view,
                    const std::vector<std::uintptr_t>&>(
      finding.rule, finding.severity, record.kind.one, record.site.file_name(), record.site.line(),
      record.site.column(), record.site.function_name(), record.opened_at.addresses);
}

Instance instance_of(const Finding& finding) {
  const Record& record = *finding.record;
  Instance instance{record.name, record.parent, record.descriptor, record.thread, finding.age, record.notes.list(), {}};
  const Clock::time_point used = record.used.load(std::memory_order_relaxed);
  if (used != Clock::time_point::min()) {
    const Clock::duration ago = std::max(finding.seen - used, Clock::duration::zero());
    instance.last_use = LastUse{record.used_site.load(std::memory_order_relaxed), ago};
  }
  return instance;
}

}  // namespace

std::vector<Group> group(std::vector<Finding> findings) {
  std::ranges::sort(findings, {}, [](const Finding& finding) { return finding.record->serial; });
  std::vector<Group> groups;
  std::map<decltype(key_of(findings.front())), std::size_t> index;
  for (const Finding& finding : findings) {
    const Record& record = *finding.record;
    const auto [place, added] = index.emplace(key_of(finding), groups.size());
    if (added) {
      groups.push_back({finding.rule,
                        finding.severity,
                        record.kind,
                        record.site,
                        record.opened_at,
                        0,
                        {},
                        record.serial,
                        finding.age,
                        finding.age,
                        {}});
    }
    Group& group = groups[place->second];
    ++group.count;
    const auto thread = std::ranges::lower_bound(group.threads, record.thread);
    if (thread == group.threads.end() || *thread != record.thread) group.threads.insert(thread, record.thread);
    group.min_age = std::min(group.min_age, finding.age);
    group.max_age = std::max(group.max_age, finding.age);
    if (group.instances.size() < Group::max_instances) group.instances.push_back(instance_of(finding));
  }
  std::ranges::sort(groups, [](const Group& a, const Group& b) {
    return a.count != b.count ? a.count > b.count : a.first_serial < b.first_serial;
  });
  return groups;
}

}  // namespace detail

}  // namespace LEASH_NAMESPACE::track
