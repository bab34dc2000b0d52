#include <leash/track/report/sarif.hpp>

#if LEASH_HAVE_NLOHMANN_JSON

#include <algorithm>
#include <array>
#include <leash/detail/escape.hpp>
#include <leash/track/report/numbers.hpp>
#include <leash/track/report/writers.hpp>
#include <leash/version.hpp>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::track {
namespace {

using Json = nlohmann::ordered_json;

/// More steps of a code flow GitHub does not show.
constexpr std::size_t most_steps = 1000;

struct RuleText {
  Rule rule;
  const char* name;
  const char* about;
  const char* help;
};

constexpr std::array rule_texts{
    RuleText{Rule::leaked, "Leaked", "It was open when the tracker was closed.",
             "Call close() on it on every path, or let its owner end."},
    RuleText{Rule::dropped, "Dropped",
             "It was destroyed without close(), and the error that close() might have returned is lost.",
             "Call close() and look at what it returns: a destructor cannot tell that the last write failed."},
    RuleText{Rule::double_close, "DoubleClose", "It was closed a second time.", "Let one owner call close(), once."},
    RuleText{Rule::use_after_close, "UseAfterClose", "It was used after it was closed.",
             "Call close() after its last use, or stop using it first."},
    RuleText{Rule::outlived_parent, "OutlivedParent", "It was open when the resource that it depends on was closed.",
             "Close it before its parent."},
    RuleText{Rule::opened_after_end, "OpenedAfterEnd",
             "It was to be opened under a tracker that was closed, and was refused.",
             "Let the work end before the tracker is closed."},
    RuleText{Rule::untracked, "Untracked",
             "A descriptor was opened past leash, or given away by release(), and is still open.",
             "Open it through leash, or close what was released."},
    RuleText{Rule::closed_late, "ClosedLate", "It was closed after it was reported as leaked.",
             "Wait for the work that closes it before the tracker is closed: Tracker::close takes a time for that."},
    RuleText{Rule::closed_by_other, "ClosedByOther",
             "Its descriptor was closed by who had closed the one before it with that number, and not by its owner.",
             "Forget a descriptor where it is closed, so that it is closed once."},
};

Json all_rules() {
  Json all = Json::array();
  for (const RuleText& each : rule_texts) {
    all.push_back({{"id", std::string(to_string(each.rule))},
                   {"name", each.name},
                   {"shortDescription", {{"text", each.about}}},
                   {"fullDescription", {{"text", each.about}}},
                   {"help", {{"text", each.help}}},
                   {"defaultConfiguration", {{"level", each.rule == Rule::closed_late ? "note" : "error"}}}});
  }
  return all;
}

std::size_t index_of(Rule rule) {
  const auto* const found = std::ranges::find(rule_texts, rule, &RuleText::rule);
  return static_cast<std::size_t>(found - rule_texts.begin());
}

/// A path as a relative URI reference (RFC 3986), or as one of a file.
std::string uri(std::string_view path) {
  static constexpr std::string_view plain = "-._~/!$&'()*+,;=@";
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char letter : path) {
    const bool is_plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                          (letter >= '0' && letter <= '9') || plain.contains(letter);
    if (is_plain) {
      out += letter;
      continue;
    }
    const auto byte = static_cast<unsigned char>(letter);
    out += '%';
    out += digits[byte >> 4U];
    out += digits[byte & 0xFU];
  }
  return path.starts_with('/') ? "file://" + out : out;
}

/// `text` as a message of SARIF: what stands in brackets there may be a link.
std::string plain(std::string_view text) {
  std::string out;
  for (const char letter : leash::detail::escape(text)) {
    if (letter == '[' || letter == ']' || letter == '\\') out += '\\';
    out += letter;
  }
  return out;
}

Json location(const Location& place, const SourceRoot& root, const std::string& message) {
  Json where = Json::object();
  if (place) {
    const std::string file = root.relative(place.file);
    Json physical{{"artifactLocation", {{"uri", uri(file)}}}};
    if (!file.starts_with('/')) physical["artifactLocation"]["uriBaseId"] = "%SRCROOT%";
    if (place.line != 0) {
      physical["region"]["startLine"] = place.line;
      if (place.column != 0) physical["region"]["startColumn"] = place.column;
    }
    where["physicalLocation"] = std::move(physical);
  }
  if (!message.empty()) where["message"]["text"] = plain(message);
  return where;
}

/// The stack of an event, the outermost function first, as far as its lines are known.
Json code_flow(const Explained::Event& event, const SourceRoot& root) {
  Json steps = Json::array();
  const std::size_t count = std::min(event.frames.size(), most_steps);
  for (std::size_t at = count; at-- > 0;) {
    const Explained::Frame& frame = event.frames[at];
    if (!frame.place) continue;
    steps.push_back({{"location", location(frame.place, root, detail::frame_name(frame))}});
  }
  if (steps.empty()) return nullptr;
  return {{"message", {{"text", plain(event.verb)}}},
          {"threadFlows", Json::array({{{"locations", std::move(steps)}}})}};
}

const char* level_of(const Explained::Group& group) noexcept { return detail::is_failure(group) ? "error" : "note"; }

std::string message_of(const Explained::Group& group) {
  std::string message = plain(group.what);
  if (!group.instances.empty() && !group.instances.front().name.empty()) {
    message += ": " + plain(group.instances.front().name);
    if (group.count > 1) message += ", and " + detail::with_commas(group.count - 1) + " more";
  }
  message += '.';
  if (!group.advice.empty()) message += " To mend it: " + plain(group.advice) + '.';
  return message;
}

Json result_of(const Explained::Group& group, const SourceRoot& root) {
  Json result{{"ruleId", std::string(to_string(group.rule))},
              {"ruleIndex", index_of(group.rule)},
              {"level", level_of(group)},
              {"message", {{"text", message_of(group)}}},
              {"occurrenceCount", group.count}};
  // GitHub refuses the whole file for a result without one.
  const Location unknown{.file = "unknown", .line = 1};
  result["locations"] = Json::array({location(group.place ? group.place : unknown, root, {})});
  Json flows = Json::array();
  Json related = Json::array();
  for (const Explained::Event& event : group.events) {
    if (Json flow = code_flow(event, root); !flow.is_null()) flows.push_back(std::move(flow));
    if (event.place) related.push_back(location(event.place, root, event.verb));
  }
  if (!flows.empty()) result["codeFlows"] = std::move(flows);
  if (!related.empty()) result["relatedLocations"] = std::move(related);
  result["partialFingerprints"] = {{"leash/v1", leash::detail::escape(group.fingerprint)},
                                   {"primaryLocationLineHash", leash::detail::escape(group.fingerprint) + ":1"}};
  return result;
}

}  // namespace

Result<std::string> sarif(const Explained& explained, const SourceRoot& root) {
  Json results = Json::array();
  for (const Explained::Group& group : explained.groups) {
    if (results.size() == most_sarif_results) break;
    results.push_back(result_of(group, root));
  }
  Json notifications = Json::array();
  const auto notify = [&](const std::string& what) {
    notifications.push_back({{"level", "warning"}, {"message", {{"text", plain(what)}}}});
  };
  if (const std::string left_out = detail::left_out(results.size(), explained); !left_out.empty()) notify(left_out);
  for (const std::string& remark : explained.remarks) notify(remark);
  Json run{{"tool",
            {{"driver",
              {{"name", "leash"},
               {"version", LEASH_VERSION_STRING},
               {"semanticVersion", LEASH_VERSION_STRING},
               {"rules", all_rules()}}}}},
           {"originalUriBaseIds", {{"%SRCROOT%", {{"description", {{"text", "The root of the repository."}}}}}}},
           {"invocations", Json::array({{{"executionSuccessful", true}}})},
           {"results", std::move(results)}};
  if (!notifications.empty()) run["invocations"][0]["toolExecutionNotifications"] = std::move(notifications);
  const Json log{{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                 {"version", "2.1.0"},
                 {"runs", Json::array({std::move(run)})}};
  return log.dump() + '\n';
}

}  // namespace LEASH_NAMESPACE::track

#else

namespace LEASH_NAMESPACE::track {

Result<std::string> sarif(const Explained& /*explained*/, const SourceRoot& /*root*/) {
  return fail("write", "sarif", std::errc::function_not_supported, "leash was built without nlohmann-json");
}

}  // namespace LEASH_NAMESPACE::track

#endif
