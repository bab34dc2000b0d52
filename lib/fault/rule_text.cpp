#include <leash/fault/detail/errno_name.hpp>
#include <leash/fault/detail/rule_grammar.hpp>
#include <leash/fault/rule.hpp>
#include <ostream>

namespace LEASH_NAMESPACE::fault {

using detail::has_bytes;
using detail::has_code;

namespace {

std::string quoted(std::string_view text) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      out.append({'\\', letter});
    } else if (letter == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out.append({'\\', 'x', digits[byte / 16], digits[byte % 16]});
    } else {
      out += letter;
    }
  }
  return out += '"';
}

/// As a word where that can be.
std::string word_or_quoted(std::string_view text, std::string_view special) {
  for (const char letter : text) {
    if (static_cast<unsigned char>(letter) <= ' ' || letter == 0x7f || special.contains(letter)) return quoted(text);
  }
  return text.empty() || text == "after" ? quoted(text) : std::string(text);
}

}  // namespace

std::string to_string(const Rule& rule) {
  const Fault& fault = rule.fault;
  std::string text(to_string(fault.effect));
  text += ' ' + word_or_quoted(rule.operation, ";\"");
  if (rule.subject != "*") text += ' ' + quoted(rule.subject);
  if (has_bytes(fault.effect)) text += ' ' + std::to_string(fault.bytes);
  if (fault.effect == Effect::delay) text += ' ' + detail::duration_text(fault.delay);
  if (rule.first > 1) text += " #" + std::to_string(rule.first);
  if (rule.times == 0) {
    if (fault.effect != Effect::full) text += " always";
  } else if (rule.times != 1 || fault.effect == Effect::full) {
    text += " x" + std::to_string(rule.times);
  }
  if (rule.offset) text += " offset " + std::to_string(*rule.offset);
  if (!rule.file.empty()) {
    text += " at " + word_or_quoted(rule.file, ";\":");
    if (rule.line != 0) text += ':' + std::to_string(rule.line);
  }
  if (fault.effect == Effect::shorten) {
    if (fault.code != std::errc::no_space_on_device) text += " with " + detail::errno_name(fault.code);
  } else if (has_code(fault.effect)) {
    text += " with " + detail::errno_name(fault.code);
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, const Rule& rule) { return out << to_string(rule); }

}  // namespace LEASH_NAMESPACE::fault
