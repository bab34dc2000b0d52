#include <algorithm>
#include <leash/detail/escape.hpp>
#include <leash/track/report/advice.hpp>
#include <leash/track/report/columns.hpp>
#include <leash/track/report/excerpt.hpp>
#include <leash/track/report/explain.hpp>
#include <leash/track/report/fingerprint.hpp>
#include <leash/track/report/numbers.hpp>
#include <leash/track/report/suggested_suppression.hpp>
#include <leash/track/report/user_frames.hpp>
#include <leash/track/symbol/module_lines.hpp>
#include <leash/track/symbols.hpp>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace LEASH_NAMESPACE::track {
namespace {

using detail::counted;
using detail::is_users;
using detail::Plumbing;
using leash::detail::escape;

Location location_of(const Site& site) {
  if (!site) return {};
  return {.file = site.file_name(), .line = site.line(), .column = site.column()};
}

/// The line of the reader's that caused `event`: what the compiler said of the call if they wrote that, else the
/// innermost of their frames that has a line.
Location place_among(const Event& event, const std::vector<Frame>& frames, const Plumbing& plumbing) {
  if (!is_users(event.site, plumbing)) {
    const auto first = std::ranges::find_if(frames, [](const Frame& frame) { return frame.line != 0; });
    if (first != frames.end()) return {.file = first->file, .line = first->line};
  }
  return location_of(event.site);
}

/// Whether nothing at all is known of a frame: its library was unloaded.
bool is_gone(const Frame& frame) { return frame.function.empty() && frame.module.empty(); }

/// Whether `frame` is at `place`. Debug information and the compiler may begin the path at different folders.
bool is_at(const Explained::Frame& frame, const Location& place) {
  const std::string name = place.file.substr(place.file.rfind('/') + 1);
  return frame.place.line == place.line && !name.empty() &&
         (frame.place.file == name || frame.place.file.ends_with("/" + name));
}

/// The frames as they are told: where they have no lines, or the library of the first was unloaded, what the compiler
/// said of the call comes first.
std::vector<Explained::Frame> told_frames(const Event& event, const std::vector<Frame>& frames) {
  std::vector<Explained::Frame> told;
  const bool has_lines = std::ranges::any_of(frames, [](const Frame& frame) { return frame.line != 0; });
  const bool first_is_gone = !frames.empty() && is_gone(frames.front());
  const bool by_site = event.site && (!has_lines || first_is_gone);
  if (by_site) {
    Explained::Frame& site = told.emplace_back();
    site.function = abridge(event.site.function_name());
    site.place = location_of(event.site);
  }
  for (const Frame& frame : frames) {
    if (by_site && first_is_gone && &frame == &frames.front()) continue;
    const bool after_gone = !told.empty() && told.back().function.empty() && told.back().module.empty();
    if (is_gone(frame) && after_gone) continue;
    Explained::Frame& each = told.emplace_back();
    each.function = frame.function;
    each.place.file = frame.file;
    each.place.line = frame.line;
    each.inlined = frame.inlined;
    each.module = frame.module;
    each.offset = frame.offset;
  }
  return told;
}

class Explainer {
 public:
  Explainer(const Report& report, const ExplainOptions& options)
      : report_(report),
        plumbing_(report.plumbing),
        excerpts_(options.excerpts),
        max_groups_(options.max_groups.value_or(report.max_groups)) {
    plumbing_.insert(plumbing_.end(), options.plumbing.begin(), options.plumbing.end());
  }

  Explained explain() {
    Explained explained{.verdict = report_.verdict,
                        .ok = report_.ok(),
                        .total_groups = report_.groups.size(),
                        .opened = report_.opened,
                        .closed = report_.closed};
    for (const Group& group : report_.groups) {
      explained.total_resources += group.count;
      if (explained.groups.size() < max_groups_) explained.groups.push_back(explain(group));
    }
    explained.summands = summands(explained.groups);
    explained.sums = sums();
    explained.remarks = remarks();
    for (const SuppressionUse& use : report_.suppressions) explained.suppressions.push_back(explain(use));
    detail::set_fingerprints(explained.groups);
    if (!excerpts_) forget_lines(explained.groups);
    explained.headline = headline(explained, 80);
    return explained;
  }

 private:
  Explained::Group explain(const Group& group) {
    Explained::Group told{.rule = group.rule,
                          .severity = group.severity,
                          .finding = group.rule != Rule::leaked || report_.verdict,
                          .counted = was_only_counted(group),
                          .kind = std::string(group.kind.one),
                          .kinds = std::string(group.kind.many),
                          .what = detail::what_is_wrong(group, report_.verdict),
                          .count = group.count,
                          .threads = group.threads,
                          .min_age = group.min_age,
                          .max_age = group.max_age,
                          .others_closed_at = location_of(group.others_closed_at)};
    for (const auto& [verb, event] : events_of(group)) {
      told.events.push_back(explain(verb, *event, told.events.empty()));
    }
    if (!told.events.empty()) told.place = told.events.front().place;
    for (const Instance& instance : group.instances) told.instances.push_back(explain(instance, group.rule));
    if (told.finding) {
      told.advice = detail::advice(group);
      told.suppression = detail::suggested_suppression(group, plumbing_);
    }
    return told;
  }

  static bool was_only_counted(const Group& group) {
    return group.rule != Rule::untracked && !group.opened && !group.instances.empty() &&
           group.instances.front().name.empty();
  }

  static Explained::Instance explain(const Instance& instance, Rule rule) {
    Explained::Instance told{.name = instance.name,
                             .parent = instance.parent,
                             .descriptor = instance.descriptor,
                             .thread = instance.thread,
                             .age = instance.age};
    for (const Note& note : instance.notes) told.notes.push_back(note.text);
    if (instance.last_use && instance.last_use->site) {
      told.last_use = {.place = location_of(instance.last_use->site),
                       .ago = instance.last_use->ago,
                       .before = std::string(detail::before_what(rule))};
    }
    return told;
  }

  static Explained::Suppression explain(const SuppressionUse& use) {
    const Suppressions::Line& line = use.line;
    std::string text = line.rule ? std::string(to_string(*line.rule)) : "*";
    text += " " + (line.kind.empty() ? "*" : line.kind) + " " + (line.top ? "top:" : "") + line.pattern;
    if (line.max) text += " max=" + std::to_string(*line.max);
    return {.where = line.where,
            .line = std::move(text),
            .reason = line.reason,
            .findings = use.findings,
            .resources = use.resources};
  }

  using ToldEvents = std::vector<std::pair<std::string_view, const Event*>>;

  /// What happened to the resources of a group, each with its verb; first that whose place a reader wants to see.
  static ToldEvents events_of(const Group& group) {
    ToldEvents events;
    const auto add = [&](std::string_view verb, const Event& event) {
      if (event) events.emplace_back(verb, &event);
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
    return events;
  }

  Explained::Event explain(std::string_view verb, const Event& event, bool with_lines) {
    const std::vector<Frame> frames = detail::user_frames(event.stack, plumbing_);
    Explained::Event told{.verb = std::string(verb),
                          .place = place_among(event, frames, plumbing_),
                          .frames = told_frames(event, frames),
                          .has_stack = !event.stack.addresses.empty()};
    for (const Frame& frame : frames) {
      (frame.line == 0 ? without_lines_ : with_lines_).insert(frame.module);
      if (frame.error && told.unread.empty()) told.unread = frame.error.message();
    }
    if (with_lines && !told.frames.empty()) {
      auto here = std::ranges::find_if(told.frames, [&](const auto& frame) { return is_at(frame, told.place); });
      if (here == told.frames.end()) here = told.frames.begin();
      here->lines = detail::excerpt(told.place.file, told.place.line);
    }
    return told;
  }

  static void forget_lines(std::vector<Explained::Group>& groups) {
    for (Explained::Group& group : groups) {
      for (Explained::Event& event : group.events) {
        for (Explained::Frame& frame : event.frames) frame.lines.clear();
      }
    }
  }

  /// Of all groups by their places: of those in `told`, which were worked out, and of the others.
  std::vector<Explained::Summand> summands(const std::vector<Explained::Group>& told) const {
    std::vector<Explained::Summand> sums;
    std::vector<const Kind*> kinds;
    std::map<std::tuple<Rule, std::string_view, std::string, unsigned>, std::size_t> places;
    for (std::size_t at = 0; at < report_.groups.size(); ++at) {
      const Group& group = report_.groups[at];
      Location place = at < told.size() ? told[at].place : place_of(group);
      const auto [known, fresh] = places.try_emplace({group.rule, group.kind.one, place.file, place.line}, sums.size());
      if (fresh) {
        sums.push_back({.rule = group.rule, .place = std::move(place)});
        kinds.push_back(&group.kind);
      }
      sums[known->second].count += group.count;
    }
    std::vector<std::size_t> order;
    for (std::size_t at = 0; at < sums.size(); ++at) {
      sums[at].things = sums[at].count == 1 ? kinds[at]->one : kinds[at]->many;
      order.push_back(at);
    }
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
      return sums[a].count != sums[b].count ? sums[a].count > sums[b].count : a < b;
    });
    std::vector<Explained::Summand> sorted;
    for (const std::size_t at : order) sorted.push_back(std::move(sums[at]));
    return sorted;
  }

  Location place_of(const Group& group) const {
    const ToldEvents events = events_of(group);
    if (events.empty()) return {};
    const Event& event = *events.front().second;
    // Where that is enough, no names are looked up: there may be many groups.
    if (is_users(event.site, plumbing_)) return location_of(event.site);
    return place_among(event, detail::user_frames(event.stack, plumbing_), plumbing_);
  }

  /// "172 connections, 31 files", in the order of the groups.
  std::string sums() const {
    std::vector<std::pair<Kind, std::uint64_t>> kinds;
    std::map<std::string_view, std::size_t> known;
    for (const Group& group : report_.groups) {
      const auto [kind, fresh] = known.try_emplace(group.kind.one, kinds.size());
      if (fresh) kinds.emplace_back(group.kind, 0);
      kinds[kind->second].second += group.count;
    }
    std::string text;
    for (const auto& [kind, count] : kinds) {
      text += (text.empty() ? "" : ", ") + counted(count, kind.one, kind.many);
    }
    return text;
  }

  std::vector<std::string> remarks() const {
    std::vector<std::string> remarks;
    for (const std::string& module : without_lines_) {
      if (with_lines_.contains(module) || !detail::is_compressed_by_zstd(module)) continue;
      remarks.push_back("No lines of " + module +
                        ": its debug information is compressed by zstd, which leash does not read; zlib it does.");
    }
    if (report_.without_stack != 0) {
      remarks.push_back(counted(report_.without_stack, "handle", "handles") +
                        " without a stack: there is no room for more different ones.");
    }
    if (std::ranges::any_of(report_.groups, was_only_counted)) {
      remarks.emplace_back(
          "Where they were opened is not known at level count: set Options::level or LEASH_LEVEL to stack.");
    }
    return remarks;
  }

  const Report& report_;
  Plumbing plumbing_;
  const bool excerpts_;
  const std::size_t max_groups_;
  std::set<std::string> without_lines_;  ///< Files that some frame, or all, have no lines from.
  std::set<std::string> with_lines_;
};

/// "12 connections svc.cpp:86"
std::string text_of(const Explained::Summand& summand, bool with_rule) {
  std::string text = detail::with_commas(summand.count) + " " + escape(summand.things);
  if (with_rule) text.append(" ").append(to_string(summand.rule));
  if (!summand.place) return text;
  text.append(" ").append(escape(std::string_view(summand.place.file).substr(summand.place.file.rfind('/') + 1)));
  return summand.place.line == 0 ? text : text + ":" + std::to_string(summand.place.line);
}

}  // namespace

Explained explain(const Report& report, const ExplainOptions& options) { return Explainer(report, options).explain(); }

std::string headline(const Explained& explained, std::size_t width) {
  if (explained.summands.empty()) return {};
  const bool all_leaked = std::ranges::all_of(
      explained.summands, [](const Explained::Summand& summand) { return summand.rule == Rule::leaked; });
  std::string text = detail::with_commas(explained.total_resources);
  if (!all_leaked) {
    text += " in " + counted(explained.total_groups, "finding", "findings");
  } else {
    text += explained.verdict ? " not closed" : " open";
  }
  std::string_view separator = ": ";
  static constexpr std::string_view more = ", …";
  for (const Explained::Summand& summand : explained.summands) {
    const std::string part = std::string(separator) + text_of(summand, !all_leaked);
    const bool last = &summand == &explained.summands.back();
    const std::size_t needed = detail::columns(text) + detail::columns(part) + (last ? 0 : detail::columns(more));
    if (needed > width && separator != ": ") return text.append(more);
    text += part;
    separator = ", ";
  }
  return text;
}

}  // namespace LEASH_NAMESPACE::track
