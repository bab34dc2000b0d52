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
using detail::is_user_code;
using detail::Plumbing;
using leash::detail::escape;

Location location_of(const Site& site) {
  if (!site) return {};
  return {.file = site.file_name(), .line = site.line(), .column = site.column()};
}

/// The line of the user's code that caused `event`, whose user frames are `frames`: the site if that is in the user's
/// code, else the innermost frame that has a line, else the site all the same.
Location user_location(const Event& event, const std::vector<Frame>& frames, const Plumbing& plumbing) {
  if (!is_user_code(event.site, plumbing)) {
    const auto first = std::ranges::find_if(frames, [](const Frame& frame) { return frame.line != 0; });
    if (first != frames.end()) return {.file = first->file, .line = first->line};
  }
  return location_of(event.site);
}

/// Whether nothing but the address of `frame` is known, because its library was unloaded.
bool is_gone(const Frame& frame) { return frame.function.empty() && frame.module.empty(); }

/// Whether `frame` is at `place`. Compares only the file's name and the line: the path in debug information and that in
/// a `std::source_location` may begin at different folders.
bool is_at(const Explained::Frame& frame, const Location& place) {
  const std::string name = place.file.substr(place.file.rfind('/') + 1);
  return frame.place.line == place.line && !name.empty() &&
         (frame.place.file == name || frame.place.file.ends_with("/" + name));
}

/// `frames`, the user frames of `event`, as an Explained has them. If no frame has a line, or the library of the
/// innermost one was unloaded, a frame made from the event's site comes first; it replaces one of an unloaded library.
/// Of several frames in a row from unloaded libraries, only one is left.
std::vector<Explained::Frame> explained_frames(const Event& event, const std::vector<Frame>& frames) {
  std::vector<Explained::Frame> explained;
  const bool has_lines = std::ranges::any_of(frames, [](const Frame& frame) { return frame.line != 0; });
  const bool first_is_gone = !frames.empty() && is_gone(frames.front());
  const bool by_site = event.site && (!has_lines || first_is_gone);
  if (by_site) {
    Explained::Frame& site = explained.emplace_back();
    site.function = abridge(event.site.function_name());
    site.place = location_of(event.site);
  }
  for (const Frame& frame : frames) {
    if (by_site && first_is_gone && &frame == &frames.front()) continue;
    const bool previous_is_gone =
        !explained.empty() && explained.back().function.empty() && explained.back().module.empty();
    if (is_gone(frame) && previous_is_gone) continue;
    Explained::Frame& each = explained.emplace_back();
    each.function = frame.function;
    each.place.file = frame.file;
    each.place.line = frame.line;
    each.inlined = frame.inlined;
    each.module = frame.module;
    each.offset = frame.offset;
  }
  return explained;
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
    // The fingerprints need the lines, so they are read even if the caller does not want them.
    if (!excerpts_) clear_lines(explained.groups);
    explained.headline = headline(explained, 80);
    return explained;
  }

 private:
  Explained::Group explain(const Group& group) {
    Explained::Group explained{.rule = group.rule,
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
                               .total_age = group.total_age,
                               .others_closed_at = location_of(group.others_closed_at)};
    bool has_place = false;
    for (const auto& [verb, event] : events_of(group)) {
      const Explained::Event& each = explained.events.emplace_back(explain(verb, *event, !has_place));
      if (has_place || !each.operation.empty()) continue;
      explained.place = each.place;
      has_place = true;
    }
    for (const Instance& instance : group.instances) explained.instances.push_back(explain(instance, group.rule));
    if (explained.finding) {
      explained.advice = detail::advice(group);
      explained.suppression = detail::suggested_suppression(group, report_.plumbing);
    }
    return explained;
  }

  /// Whether the group's resources were opened at level `count`, where neither names nor places are stored.
  static bool was_only_counted(const Group& group) {
    return group.rule != Rule::untracked && !group.opened && !group.instances.empty() &&
           group.instances.front().name.empty();
  }

  Explained::Instance explain(const Instance& instance, Rule rule) const {
    Explained::Instance explained{.name = instance.name,
                                  .parent = instance.parent,
                                  .descriptor = instance.descriptor,
                                  .thread = instance.thread,
                                  .age = instance.age,
                                  .bytes_in = instance.bytes_in,
                                  .bytes_out = instance.bytes_out,
                                  .perhaps_closed = instance.perhaps_closed};
    for (const Note& note : instance.notes) explained.notes.push_back(note.text);
    if (instance.last_use && instance.last_use->at) {
      const std::vector<Frame> frames = user_frames(instance.last_use->at);
      Location place = user_location(instance.last_use->at, frames, plumbing_);
      std::string operation = detail::asio_operation_in(place.file);
      explained.last_use = {.place = std::move(place),
                            .operation = std::move(operation),
                            .ago = instance.last_use->ago,
                            .before = std::string(detail::before_what(rule))};
    }
    return explained;
  }

  static Explained::Suppression explain(const SuppressionUse& use) {
    const Suppressions::Line& line = use.line;
    std::string text = line.rule ? std::string(to_string(*line.rule)) : "*";
    text += " " + detail::kind_word(line.kind) + " " + (line.top ? "top:" : "") + line.pattern;
    if (line.max) text += " max=" + std::to_string(*line.max);
    return {.where = line.where,
            .line = std::move(text),
            .reason = line.reason,
            .findings = use.findings,
            .resources = use.resources};
  }

  using VerbsAndEvents = std::vector<std::pair<std::string_view, const Event*>>;

  /// The events of a group that are known, each with its verb. The first one is where a reader should look first.
  static VerbsAndEvents events_of(const Group& group) {
    VerbsAndEvents events;
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
      case Rule::closed_by_other:
        add("closed at", group.closed);
        add("its owner's own close failed at", group.again);
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

  std::vector<Frame> user_frames(const Event& event) const {
    // What called the event loop did not cause what Asio does in it for the user.
    const bool by_asio = event.site && std::string_view(event.site.file_name()).contains("/asio/");
    return detail::user_frames(by_asio ? detail::within_event_loop(event.stack) : event.stack, plumbing_);
  }

  /// `with_excerpt`: whether to read the lines of source at the event's location.
  Explained::Event explain(std::string_view verb, const Event& event, bool with_excerpt) {
    const std::vector<Frame> frames = user_frames(event);
    Explained::Event explained{.verb = std::string(verb),
                               .place = user_location(event, frames, plumbing_),
                               .frames = explained_frames(event, frames),
                               .has_stack = !event.stack.addresses.empty()};
    explained.operation = detail::asio_operation_in(explained.place.file);
    if (!explained.operation.empty()) {
      // "used at" a line is "used in" an operation.
      if (explained.verb.ends_with(" at")) explained.verb.replace(explained.verb.size() - 2, 2, "in");
      explained.frames.clear();
    }
    for (const Frame& frame : frames) {
      (frame.line == 0 ? modules_without_lines_ : modules_with_lines_).insert(frame.module);
      if (frame.error && explained.unread.empty()) explained.unread = frame.error.message();
    }
    if (with_excerpt && !explained.frames.empty()) {
      auto here =
          std::ranges::find_if(explained.frames, [&](const auto& frame) { return is_at(frame, explained.place); });
      if (here == explained.frames.end()) here = explained.frames.begin();
      here->lines = sources_.excerpt(explained.place.file, explained.place.line);
    }
    return explained;
  }

  static void clear_lines(std::vector<Explained::Group>& groups) {
    for (Explained::Group& group : groups) {
      for (Explained::Event& event : group.events) {
        for (Explained::Frame& frame : event.frames) frame.lines.clear();
      }
    }
  }

  /// The sums of all groups of the report, by rule, kind and location. `explained` are the first groups of the report,
  /// those that are explained: their locations are known already.
  std::vector<Explained::Summand> summands(const std::vector<Explained::Group>& explained) const {
    std::vector<Explained::Summand> unsorted;
    std::vector<const Kind*> kinds;  // The kind of each element of `unsorted`.
    std::map<std::tuple<Rule, std::string_view, std::string, unsigned>, std::size_t>
        positions;  // Indices into `unsorted`.
    for (std::size_t at = 0; at < report_.groups.size(); ++at) {
      const Group& group = report_.groups[at];
      Location place = at < explained.size() ? explained[at].place : location_of_first_event(group);
      const auto [known, is_new] =
          positions.try_emplace({group.rule, group.kind.one, place.file, place.line}, unsorted.size());
      if (is_new) {
        unsorted.push_back({.rule = group.rule, .place = std::move(place)});
        kinds.push_back(&group.kind);
      }
      unsorted[known->second].count += group.count;
    }
    std::vector<std::size_t> order;
    for (std::size_t at = 0; at < unsorted.size(); ++at) {
      unsorted[at].things = unsorted[at].count == 1 ? kinds[at]->one : kinds[at]->many;
      order.push_back(at);
    }
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
      return unsorted[a].count != unsorted[b].count ? unsorted[a].count > unsorted[b].count : a < b;
    });
    std::vector<Explained::Summand> sorted;
    sorted.reserve(order.size());
    for (const std::size_t at : order) sorted.push_back(std::move(unsorted[at]));
    return sorted;
  }

  /// What `Explained::Group::place` is, for a group that is not explained.
  Location location_of_first_event(const Group& group) const {
    for (const auto& [verb, event] : events_of(group)) {
      // `user_location` would return the same, but needs the frames: looking up names for many groups takes long.
      if (is_user_code(event->site, plumbing_)) return location_of(event->site);
      Location place = user_location(*event, user_frames(*event), plumbing_);
      if (detail::asio_operation_in(place.file).empty()) return place;
    }
    return {};
  }

  /// `Explained::sums`: "172 connections, 31 files", in the order of the groups.
  std::string sums() const {
    std::vector<std::pair<Kind, std::uint64_t>> kinds;
    std::map<std::string_view, std::size_t> known;
    for (const Group& group : report_.groups) {
      const auto [kind, is_new] = known.try_emplace(group.kind.one, kinds.size());
      if (is_new) kinds.emplace_back(group.kind, 0);
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
    for (const std::string& module : modules_without_lines_) {
      if (modules_with_lines_.contains(module) || !detail::is_compressed_by_zstd(module)) continue;
      remarks.push_back("No lines of " + module +
                        ": its debug information is compressed by zstd, which leash does not read; zlib it does.");
    }
    if (report_.without_stack != 0) {
      remarks.push_back(counted(report_.without_stack, "handle", "handles") +
                        " without a stack: there is no room for more different ones.");
    }
    remarks.insert(remarks.end(), report_.remarks.begin(), report_.remarks.end());
    if (std::ranges::any_of(report_.groups, was_only_counted)) {
      remarks.emplace_back(
          "Where they were opened is not known at level count: set Options::level or LEASH_LEVEL to stack.");
    }
    return remarks;
  }

  const Report& report_;
  detail::SourceFiles sources_;
  Plumbing plumbing_;
  const bool excerpts_;
  const std::size_t max_groups_;
  std::set<std::string> modules_without_lines_;  ///< Those of frames whose line is unknown,
  std::set<std::string> modules_with_lines_;     ///< and of those whose line is known. A module may be in both.
};

/// "12 connections svc.cpp:86"; `with_rule`: "12 connections leaked svc.cpp:86".
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
