#include <algorithm>
#include <functional>
#include <leash/detail/escape.hpp>
#include <leash/track/report/merge.hpp>
#include <leash/track/report/numbers.hpp>
#include <leash/track/report/text.hpp>
#include <leash/track/report/writers.hpp>
#include <leash/track/symbol/function_names.hpp>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace LEASH_NAMESPACE::track {
namespace {

/// As `std::stable_sort`, for which GCC's library calls what it has deprecated.
template <class T, class Less>
void sort_stably(std::vector<T>& values, Less less) {
  std::vector<std::size_t> order;
  order.reserve(values.size());
  for (std::size_t at = 0; at < values.size(); ++at) order.push_back(at);
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    if (less(values[a], values[b])) return true;
    return !less(values[b], values[a]) && a < b;
  });
  std::vector<T> sorted;
  sorted.reserve(values.size());
  for (const std::size_t at : order) sorted.push_back(std::move(values[at]));
  values = std::move(sorted);
}

/// Sets the count of a group, and what it says of that.
void set_count(Explained::Group& group, std::uint64_t count) {
  const std::string before = detail::counted(group.count, group.kind, group.kinds);
  if (group.what.starts_with(before)) {
    group.what.replace(0, before.size(), detail::counted(count, group.kind, group.kinds));
  }
  group.count = count;
}

std::vector<Explained::Summand> summands(const std::vector<Explained::Group>& groups) {
  std::vector<std::pair<Explained::Summand, const Explained::Group*>> all;
  std::map<std::tuple<Rule, std::string_view, std::string_view, unsigned>, std::size_t> positions;
  for (const Explained::Group& group : groups) {
    const auto [known, is_new] =
        positions.try_emplace({group.rule, group.kind, group.place.file, group.place.line}, all.size());
    if (is_new) all.push_back({{.rule = group.rule, .place = group.place}, &group});
    all[known->second].first.count += group.count;
  }
  sort_stably(all, [](const auto& a, const auto& b) { return a.first.count > b.first.count; });
  std::vector<Explained::Summand> sums;
  sums.reserve(all.size());
  for (auto& [summand, group] : all) {
    summand.things = summand.count == 1 ? group->kind : group->kinds;
    sums.push_back(std::move(summand));
  }
  return sums;
}

/// "172 connections, 31 files"
std::string sums_by_kind(const std::vector<Explained::Group>& groups) {
  std::vector<std::pair<const Explained::Group*, std::uint64_t>> kinds;
  for (const Explained::Group& group : groups) {
    auto known = std::ranges::find_if(kinds, [&](const auto& each) { return each.first->kind == group.kind; });
    if (known == kinds.end()) known = kinds.insert(kinds.end(), {&group, 0});
    known->second += group.count;
  }
  std::string text;
  for (const auto& [group, count] : kinds) {
    text += (text.empty() ? "" : ", ") + detail::counted(count, group->kind, group->kinds);
  }
  return text;
}

/// The groups in the order of a report, and all that is worked out from them.
void finish(Explained& explained) {
  sort_stably(explained.groups, [](const Explained::Group& a, const Explained::Group& b) {
    return std::tuple(a.severity, b.count) < std::tuple(b.severity, a.count);
  });
  explained.summands = summands(explained.groups);
  explained.sums = sums_by_kind(explained.groups);
  explained.headline = headline(explained, 80);
}

void add_once(std::vector<std::string>& texts, const std::string& text) {
  if (std::ranges::find(texts, text) == texts.end()) texts.push_back(text);
}

/// What two groups have in common that are one: the rule and the kind, whether it is a failure, and what happened
/// where. Between versions of a program lines move: `with_lines` says whether they count. Functions that a test
/// framework has named do not then, since the numbers in their names move too.
class Identity {
 public:
  Identity(const Explained::Group& group, bool with_lines) : group_(&group), with_lines_(with_lines) {
    add(static_cast<std::size_t>(group.rule));
    add(static_cast<std::size_t>(group.severity));
    add(static_cast<std::size_t>(group.finding));
    add(group.kind);
    each_part([&](std::string_view text, unsigned line) {
      add(text);
      add(line);
      return true;
    });
  }

  friend bool operator==(const Identity& a, const Identity& b) {
    if (a.hash_ != b.hash_ || a.group_->rule != b.group_->rule || a.group_->kind != b.group_->kind ||
        a.group_->severity != b.group_->severity || a.group_->finding != b.group_->finding) {
      return false;
    }
    return a.parts() == b.parts();
  }

  struct Hash {
    std::size_t operator()(const Identity& identity) const noexcept { return identity.hash_; }
  };

 private:
  template <class Visit>
  void each_part(const Visit& visit) const {
    const std::string_view file = group_->place.file;
    visit(with_lines_ ? file : file.substr(file.rfind('/') + 1), with_lines_ ? group_->place.line : 0);
    for (const Explained::Event& event : group_->events) {
      visit(event.verb, 0);
      for (const Explained::Frame& frame : event.frames) {
        const bool counts = with_lines_ || !detail::is_named_by_framework(frame.function);
        visit(counts ? std::string_view(frame.function) : std::string_view(), with_lines_ ? frame.place.line : 0);
      }
      // Else it is the only text that tells one open in a function from another.
      if (!with_lines_ && !event.frames.empty() && !event.frames.front().lines.empty()) {
        visit(event.frames.front().lines.back(), 0);
      }
    }
  }

  std::vector<std::pair<std::string_view, unsigned>> parts() const {
    std::vector<std::pair<std::string_view, unsigned>> all;
    each_part([&](std::string_view text, unsigned line) { all.emplace_back(text, line); });
    return all;
  }

  void add(std::size_t number) noexcept { hash_ = (hash_ ^ number) * 0x9e3779b97f4a7c15U + (hash_ >> 32U); }
  void add(std::string_view text) noexcept { add(std::hash<std::string_view>()(text)); }

  const Explained::Group* group_;
  bool with_lines_;
  std::size_t hash_ = 0;
};

Clock::duration saturating_sum(Clock::duration a, Clock::duration b) noexcept {
  return a > Clock::duration::max() - b ? Clock::duration::max() : a + b;
}

/// Adds up groups that are one.
class Sum {
 public:
  explicit Sum(bool with_lines) : with_lines_(with_lines) {}

  /// `group` lives as long as this.
  void add(const Explained::Group& group) {
    const auto [known, is_new] = positions_.try_emplace(Identity(group, with_lines_), parts_.size());
    if (is_new) {
      parts_.push_back({&group, group.count, group.min_age, group.max_age, group.total_age});
      return;
    }
    Part& into = parts_[known->second];
    into.count += group.count;
    into.min_age = std::min(into.min_age, group.min_age);
    into.max_age = std::max(into.max_age, group.max_age);
    into.total_age = saturating_sum(into.total_age, std::max(group.total_age, Clock::duration::zero()));
  }

  std::vector<Explained::Group> groups() const {
    std::vector<Explained::Group> groups;
    groups.reserve(parts_.size());
    for (const Part& part : parts_) {
      Explained::Group& group = groups.emplace_back(*part.first);
      group.min_age = part.min_age;
      group.max_age = part.max_age;
      group.total_age = part.total_age;
      set_count(group, part.count);
    }
    return groups;
  }

  /// How many there are of what is one with `group`; 0 if there is none.
  std::uint64_t count_of(const Explained::Group& group) const {
    const auto known = positions_.find(Identity(group, with_lines_));
    return known == positions_.end() ? 0 : parts_[known->second].count;
  }

 private:
  struct Part {
    const Explained::Group* first;
    std::uint64_t count;
    Clock::duration min_age;
    Clock::duration max_age;
    Clock::duration total_age;
  };

  const bool with_lines_;
  std::vector<Part> parts_;
  std::unordered_map<Identity, std::size_t, Identity::Hash> positions_;
};

void add_suppression(std::vector<Explained::Suppression>& all, const Explained::Suppression& suppression) {
  const auto known = std::ranges::find_if(all, [&](const Explained::Suppression& each) {
    return each.where == suppression.where && each.line == suppression.line;
  });
  if (known == all.end()) {
    all.push_back(suppression);
  } else {
    known->findings += suppression.findings;
    known->resources += suppression.resources;
  }
}

std::uint64_t count_left_out(const Explained& explained) noexcept {
  return explained.total_groups - std::min<std::uint64_t>(explained.total_groups, explained.groups.size());
}

std::string_view name_of(Change::Kind kind) noexcept {
  switch (kind) {
    case Change::Kind::added:
      return "new";
    case Change::Kind::grown:
      return "grown";
    case Change::Kind::shrunk:
      return "fewer";
    case Change::Kind::gone:
      return "gone";
  }
  return "changed";
}

}  // namespace

Explained merge(std::span<const Explained> reports) {
  Explained merged;
  Sum sum(true);
  std::uint64_t left_out = 0;
  for (const Explained& report : reports) {
    merged.verdict = merged.verdict || report.verdict;
    merged.ok = merged.ok && report.ok;
    merged.total_resources += report.total_resources;
    merged.opened += report.opened;
    merged.closed += report.closed;
    left_out += count_left_out(report);
    for (const Explained::Group& group : report.groups) sum.add(group);
    for (const Explained::Suppression& each : report.suppressions) add_suppression(merged.suppressions, each);
    for (const std::string& remark : report.remarks) add_once(merged.remarks, remark);
  }
  merged.groups = sum.groups();
  merged.total_groups = merged.groups.size() + left_out;
  finish(merged);
  return merged;
}

Diff diff(const Explained& before, const Explained& after) {
  Diff diff;
  Sum old_sum(false);
  Sum new_sum(false);
  for (const Explained::Group& group : before.groups) old_sum.add(group);
  for (const Explained::Group& group : after.groups) new_sum.add(group);
  const auto add = [&](Change::Kind kind, std::uint64_t old_count, std::uint64_t new_count,
                       const Explained::Group& group) {
    diff.changes.push_back({.kind = kind, .before = old_count, .after = new_count, .group = group});
  };
  for (const Explained::Group& group : new_sum.groups()) {
    const std::uint64_t old_count = old_sum.count_of(group);
    if (old_count == 0) {
      add(Change::Kind::added, 0, group.count, group);
    } else if (old_count != group.count) {
      add(group.count > old_count ? Change::Kind::grown : Change::Kind::shrunk, old_count, group.count, group);
    }
  }
  for (const Explained::Group& group : old_sum.groups()) {
    if (new_sum.count_of(group) == 0) add(Change::Kind::gone, group.count, 0, group);
  }
  const auto size = [](const Change& change) {
    return change.after > change.before ? change.after - change.before : change.before - change.after;
  };
  sort_stably(diff.changes, [&](const Change& a, const Change& b) {
    return std::tuple(a.kind, size(b)) < std::tuple(b.kind, size(a));
  });
  for (const auto& [which, report] : {std::pair("old", &before), std::pair("new", &after)}) {
    const std::uint64_t left_out = count_left_out(*report);
    if (left_out == 0) continue;
    diff.remarks.push_back("The " + std::string(which) + " report left out " +
                           detail::counted(left_out, "group", "groups") +
                           ", so that changes may be missing or untrue.");
  }
  return diff;
}

bool Diff::ok() const noexcept {
  return std::ranges::none_of(changes, [](const Change& change) {
    return detail::is_failure(change.group) &&
           (change.kind == Change::Kind::added || change.kind == Change::Kind::grown);
  });
}

std::string text(const Diff& diff, std::size_t width) {
  std::string out;
  for (const Change& change : diff.changes) {
    std::string line(name_of(change.kind));
    line += ": ";
    if (change.kind == Change::Kind::grown || change.kind == Change::Kind::shrunk) {
      line += detail::with_commas(change.before) + " -> ";
    }
    const bool is_gone = change.kind == Change::Kind::gone;
    line += detail::counted(is_gone ? change.before : change.after, change.group.kind, change.group.kinds);
    out +=
        leash::detail::escape(
            line + " [" + std::string(to_string(change.group.rule)) + "] " + detail::place_name(change.group), 4096) +
        '\n';
    if (change.kind == Change::Kind::added || change.kind == Change::Kind::grown) {
      out += text(change.group, {.width = width}) + '\n';
    }
  }
  if (diff.changes.empty()) out += "Nothing has changed.\n";
  for (const std::string& remark : diff.remarks) out += remark + '\n';
  return out;
}

Explained worse(const Diff& diff) {
  Explained worse{.ok = diff.ok(), .remarks = diff.remarks};
  for (const Change& change : diff.changes) {
    if (change.kind != Change::Kind::added && change.kind != Change::Kind::grown) continue;
    set_count(worse.groups.emplace_back(change.group), change.after - change.before);
    worse.total_resources += change.after - change.before;
    worse.verdict = worse.verdict || change.group.finding;
  }
  worse.total_groups = worse.groups.size();
  finish(worse);
  return worse;
}

}  // namespace LEASH_NAMESPACE::track
