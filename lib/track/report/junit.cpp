#include <leash/detail/escape.hpp>
#include <leash/detail/utf8.hpp>
#include <leash/track/report/junit.hpp>
#include <leash/track/report/text.hpp>
#include <leash/track/report/writers.hpp>
#include <map>
#include <string_view>

namespace LEASH_NAMESPACE::track {
namespace {

/// `text` within XML 1.0: what that has no characters for, is not there any more, since `text` has no lines to be kept
/// but by `\n`.
std::string xml(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = leash::detail::utf8_length(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(character.size());
    if (character == "&") {
      out += "&amp;";
    } else if (character == "<") {
      out += "&lt;";
    } else if (character == ">") {
      out += "&gt;";
    } else if (character == "\"") {
      out += "&quot;";
    } else if (character == "\n" ||
               (length != 0 && static_cast<unsigned char>(character[0]) >= 0x20U && character != "\x7f" &&
                character != "\xEF\xBF\xBE" && character != "\xEF\xBF\xBF")) {
      out += character;
    } else {
      out += "\xEF\xBF\xBD";  // U+FFFD, the replacement character.
    }
  }
  return out;
}

std::string attribute(std::string_view name, std::string_view value) {
  return ' ' + std::string(name) + "=\"" + xml(leash::detail::escape(value)) + '"';
}

/// `names` counts how often there was one already: readers show the first of those with the same name.
std::string test_case(Explained::Group group, const SourceRoot& root, std::map<std::string, unsigned>& names) {
  const std::string file = root.relative(group.place.file);
  group.place.file = file;
  std::string name = detail::place_name(group) + ": " + group.what;
  if (const unsigned before = names[name]++; before != 0) name += " (" + std::to_string(before + 1) + ')';
  std::string out =
      "    <testcase" + attribute("classname", "leash." + std::string(to_string(group.rule))) + attribute("name", name);
  if (!file.empty()) out += attribute("file", file);
  if (group.place.line != 0) out += attribute("line", std::to_string(group.place.line));
  out += " time=\"0\">\n";
  const std::string body = xml(text(group));
  if (detail::is_failure(group)) {
    out += "      <failure" + attribute("message", group.what) + attribute("type", to_string(group.rule)) + '>' + body +
           "</failure>\n";
  } else {
    out += "      <skipped" + attribute("message", group.what) + "/>\n      <system-out>" + body + "</system-out>\n";
  }
  return out + "    </testcase>\n";
}

}  // namespace

std::string junit(const Explained& explained, const SourceRoot& root) {
  std::string cases;
  std::map<std::string, unsigned> names;
  std::size_t failures = 0;
  std::size_t skipped = 0;
  for (const Explained::Group& group : explained.groups) {
    ++(detail::is_failure(group) ? failures : skipped);
    cases += test_case(group, root, names);
  }
  std::size_t count = failures + skipped;
  if (count == 0) {
    count = 1;
    cases = "    <testcase classname=\"leash\" name=\"nothing was left open\" time=\"0\"/>\n";
  }
  std::string told;
  const std::string left_out = detail::left_out(explained.groups.size(), explained);
  if (!left_out.empty()) told += left_out + ".\n";
  for (const std::string& remark : explained.remarks) told += leash::detail::escape(remark) + '\n';
  const std::string counts = " tests=\"" + std::to_string(count) + R"(" failures=")" + std::to_string(failures) +
                             R"(" errors="0" skipped=")" + std::to_string(skipped) + "\" time=\"0\">\n";
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"leash\"" + counts +
                    "  <testsuite name=\"leash\"" + counts + cases;
  if (!told.empty()) out += "    <system-out>" + xml(told) + "</system-out>\n";
  return out + "  </testsuite>\n</testsuites>\n";
}

}  // namespace LEASH_NAMESPACE::track
