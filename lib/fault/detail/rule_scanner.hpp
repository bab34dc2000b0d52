#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <leash/detail/escape.hpp>
#include <leash/result.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::fault::detail {

/// Takes the words and quoted texts of rules, and knows where they stand.
class RuleScanner {
 public:
  RuleScanner(std::string_view text, std::string_view name) : text_(text), name_(name) {}

 protected:
  struct Token {
    std::string text;
    bool quoted = false;
  };

  static bool blank(char letter) noexcept { return letter == ' ' || letter == '\t' || letter == '\r'; }
  static bool ends_rule(char letter) noexcept { return letter == ';' || letter == '\n'; }
  static std::string shown(std::string_view text) { return "'" + leash::detail::escape(text.substr(0, 60)) + "'"; }

  bool done() const noexcept { return at_ == text_.size(); }
  char peek() const noexcept { return text_[at_]; }
  char advance() noexcept {
    const char letter = text_[at_++];
    ++column_;
    if (letter == '\n') {
      ++line_;
      column_ = 1;
    }
    return letter;
  }

  std::unexpected<Error> failure(const std::string& detail) const {
    const std::string where =
        std::string(name_) + ":" + std::to_string(token_line_) + ":" + std::to_string(token_column_);
    return fail("parse", where, std::errc::invalid_argument, detail);
  }

  void skip_blanks() {
    while (!done() && blank(peek())) advance();
    mark();
  }

  std::string word() {
    std::string word;
    while (!done() && !blank(peek()) && !ends_rule(peek()) && peek() != '"') word += advance();
    return word;
  }

  /// The next word or text in quotes; empty without quotes at the end of the rule.
  Result<Token> token() {
    skip_blanks();
    if (done() || peek() != '"') return Token{word()};
    advance();
    Token token{.text = {}, .quoted = true};
    for (;;) {
      if (done() || peek() == '\n') return failure("the quotation mark is never closed");
      const char letter = advance();
      if (letter == '"') return token;
      if (letter != '\\') {
        token.text += letter;
        continue;
      }
      const std::optional<char> escaped = escape_sequence();
      if (!escaped) return failure(R"(after \ come \, ", n or xNN)");
      token.text += *escaped;
    }
  }

  std::optional<char> escape_sequence() {
    if (done()) return std::nullopt;
    const char letter = advance();
    if (letter == '\\' || letter == '"') return letter;
    if (letter == 'n') return '\n';
    if (letter != 'x' || text_.size() - at_ < 2) return std::nullopt;
    const std::optional<unsigned> high = hex_digit(text_[at_]);
    const std::optional<unsigned> low = hex_digit(text_[at_ + 1]);
    if (!high || !low) return std::nullopt;
    advance();
    advance();
    return static_cast<char>(static_cast<unsigned char>(*high * 16 + *low));
  }

  /// Whether what was taken last ends with `letter`.
  bool behind(char letter) const noexcept { return at_ != 0 && text_[at_ - 1] == letter; }

  /// From now on errors are about what follows.
  void mark() noexcept {
    token_line_ = line_;
    token_column_ = column_;
  }

 private:
  static std::optional<unsigned> hex_digit(char digit) noexcept {
    if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
    if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a' + 10);
    return std::nullopt;
  }

  std::string_view text_;
  std::string_view name_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t column_ = 1;
  std::size_t token_line_ = 1;  ///< Where that begins which an error is about.
  std::size_t token_column_ = 1;
};

}  // namespace LEASH_NAMESPACE::fault::detail
