#include <charconv>
#include <leash/fault/detail/errno_name.hpp>
#include <leash/fault/detail/rule_grammar.hpp>
#include <leash/fault/detail/rule_scanner.hpp>
#include <leash/fault/rule.hpp>
#include <utility>

namespace LEASH_NAMESPACE::fault {

using detail::has_bytes;
using detail::has_code;

namespace {

std::optional<std::uint64_t> number_named(std::string_view digits) noexcept {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

/// Reads rules one after the other.
class RuleReader : detail::RuleScanner {
 public:
  using RuleScanner::RuleScanner;

  /// The next rule; nothing at the end of the text.
  Result<std::optional<Rule>> next() {
    while (!done() && (blank(peek()) || ends_rule(peek()))) advance();
    if (done()) return std::nullopt;
    Rule rule;
    if (Result<void> read = read_effect(rule); !read) return std::unexpected(read.error());
    if (Result<void> read = read_operation(rule); !read) return std::unexpected(read.error());
    for (skip_blanks(); !done() && !ends_rule(peek()); skip_blanks()) {
      if (Result<void> read = read_option(rule); !read) return std::unexpected(read.error());
    }
    mark();
    if (has_bytes(rule.fault.effect) && !argument_) return failure("a number of bytes is missing");
    if (rule.fault.effect == Effect::delay && !argument_) return failure("a time is missing: 250ms");
    return rule;
  }

 private:
  Result<void> read_effect(Rule& rule) {
    skip_blanks();
    const std::string name = word();
    argument_ = false;
    Effect& effect = rule.fault.effect;
    if (name == "fail") {
      effect = Effect::fail;
      const RuleReader before = *this;
      skip_blanks();
      if (word() == "after") {
        effect = Effect::fail_after;
      } else {
        *this = before;
      }
      return {};
    }
    for (const Effect each :
         {Effect::shorten, Effect::delay, Effect::full, Effect::end, Effect::reset, Effect::crash}) {
      if (name == to_string(each)) {
        effect = each;
        if (has_bytes(each)) rule.fault.code = std::errc::no_space_on_device;
        if (each == Effect::full) rule.times = 0;
        return {};
      }
    }
    return failure("expected fail, fail after, short, delay, full, end, reset or crash, not " + shown(name));
  }

  Result<void> read_operation(Rule& rule) {
    Result<Token> operation = token();
    if (!operation) return std::unexpected(operation.error());
    if (operation->text.empty()) return failure("an operation is missing: open, read, dial, or * for any");
    rule.operation = std::move(operation->text);
    return {};
  }

  Result<void> read_option(Rule& rule) {
    Result<Token> option = token();
    if (!option) return std::unexpected(option.error());
    const std::string& text = option->text;
    if (option->quoted) {
      rule.subject = text;
      return {};
    }
    if (text == "always") {
      rule.times = 0;
      return {};
    }
    if (text == "at") return read_place(rule);
    if (text == "with") return read_code(rule);
    if (text == "offset") return read_offset(rule);
    if (text.starts_with('#')) return read_number(text, "#", rule.first);
    if (text.starts_with('x')) return read_number(text, "x", rule.times);
    return read_argument(text, rule);
  }

  Result<void> read_number(std::string_view text, std::string_view sign, std::uint64_t& number) const {
    const std::optional<std::uint64_t> read = number_named(text.substr(1));
    if (!read || *read == 0) return failure(std::string(sign) + " needs a number from 1 on, not " + shown(text));
    number = *read;
    return {};
  }

  Result<void> read_argument(const std::string& text, Rule& rule) {
    if (has_bytes(rule.fault.effect)) {
      if (const std::optional<std::uint64_t> bytes = number_named(text)) {
        rule.fault.bytes = *bytes;
        argument_ = true;
        return {};
      }
    }
    if (rule.fault.effect == Effect::delay) {
      if (const std::optional<std::chrono::nanoseconds> time = detail::duration_named(text)) {
        rule.fault.delay = *time;
        argument_ = true;
        return {};
      }
    }
    return failure("expected a pattern in quotes, #N, xN, always, offset, at or with, not " + shown(text));
  }

  Result<void> read_offset(Rule& rule) {
    Result<Token> offset = token();
    if (!offset) return std::unexpected(offset.error());
    rule.offset = number_named(offset->text);
    if (!rule.offset) return failure("offset needs a number, not " + shown(offset->text));
    return {};
  }

  Result<void> read_code(Rule& rule) {
    Result<Token> name = token();
    if (!name) return std::unexpected(name.error());
    if (!has_code(rule.fault.effect)) {
      return failure(std::string(to_string(rule.fault.effect)) + " has no error to choose");
    }
    const std::optional<std::errc> code = detail::errno_named(name->text);
    if (!code) return failure("there is no error " + shown(name->text));
    rule.fault.code = *code;
    return {};
  }

  Result<void> read_place(Rule& rule) {
    Result<Token> file = token();
    if (!file) return std::unexpected(file.error());
    std::string line;
    if (file->quoted) {
      line = word();
      if (!line.empty() && line.front() != ':') return failure("after the file comes :LINE, not " + shown(line));
      if (!line.empty()) line.erase(0, 1);
      if (line.empty() && behind(':')) return failure("a line is missing after the colon");
    } else if (const std::size_t colon = file->text.rfind(':'); colon != std::string::npos) {
      line = file->text.substr(colon + 1);
      file->text.erase(colon);
      if (line.empty()) return failure("a line is missing after the colon");
    }
    if (file->text.empty()) return failure("a file is missing after at");
    rule.file = std::move(file->text);
    if (line.empty()) return {};
    const std::optional<std::uint64_t> number = number_named(line);
    if (!number || *number == 0 || *number > UINT32_MAX) return failure("a line is a number, not " + shown(line));
    rule.line = static_cast<std::uint32_t>(*number);
    return {};
  }

  bool argument_ = false;  ///< Whether the bytes or the time of the effect were read.
};

}  // namespace

Result<std::vector<Rule>> parse_rules(std::string_view text, std::string_view name) {
  std::vector<Rule> rules;
  RuleReader reader(text, name);
  for (;;) {
    Result<std::optional<Rule>> rule = reader.next();
    if (!rule) return std::unexpected(rule.error());
    if (!*rule) return rules;
    rules.push_back(**std::move(rule));
  }
}

Result<Rule> Rule::parse(std::string_view text) {
  Result<std::vector<Rule>> rules = parse_rules(text, "rule");
  if (!rules) return std::unexpected(rules.error());
  if (rules->size() != 1) return leash::fail("parse", "rule:1:1", std::errc::invalid_argument, "expected one rule");
  return std::move(rules->front());
}

}  // namespace LEASH_NAMESPACE::fault
