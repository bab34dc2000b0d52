#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <leash/detail/escape.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/track/report/wildcard.hpp>
#include <leash/track/suppressions.hpp>
#include <memory>
#include <utility>

namespace LEASH_NAMESPACE::track {
namespace {

std::optional<Rule> rule_named(std::string_view name) {
  for (const Rule rule : {Rule::leaked, Rule::dropped, Rule::double_close, Rule::use_after_close, Rule::outlived_parent,
                          Rule::opened_after_end, Rule::untracked, Rule::closed_late, Rule::closed_by_other}) {
    if (to_string(rule) == name) return rule;
  }
  return std::nullopt;
}

/// Parses one line.
class LineReader {
 public:
  LineReader(std::string_view text, std::string_view name, std::size_t number)
      : text_(text), name_(name), number_(number) {}

  Result<Suppressions::Line> read() {
    Suppressions::Line line;
    line.where = where();
    const std::string_view rule = word();
    if (rule != "*") {
      line.rule = rule_named(rule);
      if (!line.rule) return failure("there is no rule " + quoted(rule));
    }
    Result<std::string> kind = kind_word();
    if (!kind) return std::unexpected(kind.error());
    if (*kind != "*") line.kind = *std::move(kind);
    Result<std::string> pattern = pattern_text();
    if (!pattern) return std::unexpected(pattern.error());
    line.pattern = *std::move(pattern);
    // A pattern that begins with `top::` names a namespace.
    if (line.pattern.starts_with("top:") && !line.pattern.starts_with("top::")) {
      line.top = true;
      line.pattern.erase(0, 4);
      if (line.pattern.empty()) return failure("a pattern is missing after top:");
    }
    if (Result<void> options = read_options(line); !options) return std::unexpected(options.error());
    return line;
  }

 private:
  static bool blank(char letter) { return letter == ' ' || letter == '\t' || letter == '\r'; }
  static std::string quoted(std::string_view text) { return "'" + leash::detail::escape(text.substr(0, 60)) + "'"; }

  std::string where() const { return std::string(name_) + ":" + std::to_string(number_); }

  std::unexpected<Error> failure(const std::string& detail) const {
    return fail("parse", where() + ":" + std::to_string(word_at_ + 1), std::errc::invalid_argument, detail);
  }

  void skip_blanks() {
    while (at_ < text_.size() && blank(text_[at_])) ++at_;
    word_at_ = at_;
  }

  std::string_view word() {
    skip_blanks();
    while (at_ < text_.size() && !blank(text_[at_])) ++at_;
    return text_.substr(word_at_, at_ - word_at_);
  }

  Result<std::string> kind_word() {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] == '#') return failure("a kind is missing: the singular, or *");
    if (text_[at_] != '"') return std::string(word());
    const std::size_t end = text_.find('"', at_ + 1);
    if (end == std::string_view::npos) return failure("the quotation mark is never closed");
    std::string kind(text_.substr(at_ + 1, end - at_ - 1));
    if (kind.empty()) return failure("the kind is empty");
    at_ = end + 1;
    if (at_ < text_.size() && !blank(text_[at_])) {
      word_at_ = at_;
      return failure("a blank is missing after the quotation mark");
    }
    return kind;
  }

  /// All up to `max=`, `#` or the end: a function's name may have blanks in it.
  Result<std::string> pattern_text() {
    skip_blanks();
    const std::size_t begin = at_;
    std::size_t end = begin;
    while (at_ < text_.size()) {
      const std::size_t before = at_;
      const std::string_view next = word();
      if (next.starts_with('#') || next.starts_with("max=")) {
        at_ = before;
        break;
      }
      if (!next.empty()) end = at_;
    }
    if (end == begin) {
      word_at_ = begin;
      return failure("a pattern is missing: a function or a file, with * for any text");
    }
    return std::string(text_.substr(begin, end - begin));
  }

  Result<void> read_options(Suppressions::Line& line) {
    for (;;) {
      const std::string_view next = word();
      if (next.empty()) return {};
      if (next.starts_with('#')) {
        std::string_view reason = text_.substr(word_at_ + 1);
        while (!reason.empty() && blank(reason.front())) reason.remove_prefix(1);
        while (!reason.empty() && blank(reason.back())) reason.remove_suffix(1);
        line.reason = reason;
        return {};
      }
      if (!next.starts_with("max=")) return failure("expected max=N or # and a reason, not " + quoted(next));
      if (line.max) return failure("a second max=");
      const std::string_view digits = next.substr(4);
      std::uint64_t max = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), max);
      if (error != std::errc() || end != digits.data() + digits.size()) {
        return failure("max= needs a number, not " + quoted(digits));
      }
      line.max = max;
    }
  }

  const std::string_view text_;
  const std::string_view name_;
  const std::size_t number_;
  std::size_t at_ = 0;
  std::size_t word_at_ = 0;  ///< Where the word begins that an error is about.
};

}  // namespace

bool Suppressions::Line::matches(Rule found, const Kind& kind_found, std::string_view function,
                                 std::string_view file) const {
  if (rule && *rule != found) return false;
  if (!kind.empty() && kind != kind_found.one) return false;
  if (pattern.find_first_not_of('*') == std::string::npos) return true;
  return detail::function_is_like(function, pattern) || (!file.empty() && detail::file_is_like(file, pattern));
}

Result<Suppressions> Suppressions::parse(std::string_view text, std::string_view name) {
  auto lines = std::make_shared<std::vector<Line>>();
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos || line[first] == '#') continue;
    Result<Line> read = LineReader(line, name, number).read();
    if (!read) return std::unexpected(std::move(read).error());
    lines->push_back(*std::move(read));
  }
  Suppressions suppressions;
  if (!lines->empty()) suppressions.lines_ = std::move(lines);
  return suppressions;
}

Result<Suppressions> Suppressions::load(const std::string& path) {
  const auto failed = [&](int code) { return fail("load", path, std::error_code(code, std::generic_category())); };
  const os::Opening opening;
  const os::MayOpen reads(os::Unlisted::files);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  if (!file) return failed(errno);
  std::string text;
  std::array<char, 4096> buffer{};
  while (std::feof(file.get()) == 0 && std::ferror(file.get()) == 0) {
    text.append(buffer.data(), std::fread(buffer.data(), 1, buffer.size(), file.get()));
  }
  if (std::ferror(file.get()) != 0) return failed(errno);
  return parse(text, path);
}

std::span<const Suppressions::Line> Suppressions::lines() const noexcept {
  return lines_ ? std::span<const Line>(*lines_) : std::span<const Line>();
}

}  // namespace LEASH_NAMESPACE::track
