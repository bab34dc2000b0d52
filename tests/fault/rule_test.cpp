#include <doctest/doctest.h>

#include <leash/fault/rule.hpp>
#include <string>
#include <string_view>
#include <vector>

using leash::Result;
using leash::fault::Effect;
using leash::fault::parse_rules;
using leash::fault::Rule;
using namespace std::string_literals;
using namespace std::chrono_literals;

namespace {

std::string error_of(std::string_view text) {
  const Result<std::vector<Rule>> rules = parse_rules(text, "plan");
  if (rules) return "none";
  CHECK(rules.error() == std::errc::invalid_argument);
  return to_string(rules.error());
}

}  // namespace

TEST_CASE("a rule is read from its text, and written as the same text") {
  struct Case {
    std::string text;
    Rule rule;
  };
  const std::vector<Case> cases = {
      {R"(fail open "*.csv" #2 with EMFILE)",
       {.operation = "open",
        .subject = "*.csv",
        .first = 2,
        .fault = {.effect = Effect::fail, .code = std::errc::too_many_files_open}}},
      {"short read 1 at importer.cpp:42",
       {.operation = "read",
        .file = "importer.cpp",
        .line = 42,
        .fault = {.effect = Effect::shorten, .code = std::errc::no_space_on_device, .bytes = 1}}},
      {"short File::write 7 with EIO",
       {.operation = "File::write", .fault = {.effect = Effect::shorten, .code = std::errc::io_error, .bytes = 7}}},
      {"fail after rename always with EIO",
       {.operation = "rename", .times = 0, .fault = {.effect = Effect::fail_after, .code = std::errc::io_error}}},
      {R"(fail "after" with EIO)", {.operation = "after", .fault = {.effect = Effect::fail}}},
      {"full write 4096",
       {.operation = "write",
        .times = 0,
        .fault = {.effect = Effect::full, .code = std::errc::no_space_on_device, .bytes = 4096}}},
      {"full write 0 x1",
       {.operation = "write", .fault = {.effect = Effect::full, .code = std::errc::no_space_on_device}}},
      {R"(delay dial "10.*" 250ms x3)",
       {.operation = "dial", .subject = "10.*", .times = 3, .fault = {.effect = Effect::delay, .delay = 250ms}}},
      {"delay * 90s at \"my file.cpp\"",
       {.operation = "*", .file = "my file.cpp", .fault = {.effect = Effect::delay, .delay = 90s}}},
      {"fail \"\\\"\\\\\\n\\x01;\" with 4000",
       {.operation = "\"\\\n\x01;", .fault = {.effect = Effect::fail, .code = static_cast<std::errc>(4000)}}},
      {"fail write offset 512 with ENOSPC",
       {.operation = "write", .offset = 512, .fault = {.effect = Effect::fail, .code = std::errc::no_space_on_device}}},
      {"end Conn::read", {.operation = "Conn::read", .fault = {.effect = Effect::end}}},
      {"reset Conn::*", {.operation = "Conn::*", .fault = {.effect = Effect::reset}}},
      {"crash sync #18446744073709551615",
       {.operation = "sync", .first = UINT64_MAX, .fault = {.effect = Effect::crash}}},
  };
  for (const Case& each : cases) {
    CAPTURE(each.text);
    const Result<Rule> read = Rule::parse(each.text);
    REQUIRE_MESSAGE(read, (read ? "" : to_string(read.error())));
    CHECK(*read == each.rule);
    CHECK(to_string(*read) == each.text);
  }
}

TEST_CASE("options come in any order, and what is the default may be said") {
  const Result<Rule> read = Rule::parse("  fail\topen with EACCES x1 at a/b.cpp:7 #1 \"*\" \r");
  REQUIRE(read);
  CHECK(to_string(*read) == "fail open at a/b.cpp:7 with EACCES");
  CHECK(to_string(*Rule::parse("fail open")) == "fail open with EIO");
}

TEST_CASE("rules stand on lines or are ended by semicolons; empty ones are skipped") {
  const Result<std::vector<Rule>> rules = parse_rules(";;\n fail open;short read 1\r\n\n;end read\n");
  REQUIRE(rules);
  REQUIRE(rules->size() == 3);
  CHECK(to_string((*rules)[1]) == "short read 1");
  CHECK(parse_rules("")->empty());
  CHECK_FALSE(Rule::parse(""));
  CHECK_FALSE(Rule::parse("fail open; fail read"));
}

TEST_CASE("a malformed rule is refused with line and column") {
  struct Case {
    std::string text;
    std::string error;
  };
  const std::string invalid = ": Invalid argument ";
  const std::vector<Case> cases = {
      {"brake open", "1:1|(expected fail, fail after, short, delay, full, end, reset or crash, not 'brake')"},
      {"fail open\n  fial read",
       "2:3|(expected fail, fail after, short, delay, full, end, reset or crash, not 'fial')"},
      {"fail", "1:5|(an operation is missing: open, read, dial, or * for any)"},
      {"fail ; fail open", "1:6|(an operation is missing: open, read, dial, or * for any)"},
      {"fail open *.csv", "1:11|(expected a pattern in quotes, #N, xN, always, offset, at or with, not '*.csv')"},
      {"fail open 7", "1:11|(expected a pattern in quotes, #N, xN, always, offset, at or with, not '7')"},
      {"fail open \"*.csv", "1:11|(the quotation mark is never closed)"},
      {"fail open \"a\nb\"", "1:11|(the quotation mark is never closed)"},
      {"fail open \"a\\q\"", "1:11|(after \\ come \\, \", n or xNN)"},
      {"fail open \"a\\x1", "1:11|(after \\ come \\, \", n or xNN)"},
      {"fail open #0", "1:11|(# needs a number from 1 on, not '#0')"},
      {"fail open #", "1:11|(# needs a number from 1 on, not '#')"},
      {"fail open x99999999999999999999", "1:11|(x needs a number from 1 on, not 'x99999999999999999999')"},
      {"fail open with EWHAT", "1:16|(there is no error 'EWHAT')"},
      {"fail open with 0", "1:16|(there is no error '0')"},
      {"fail open with", "1:15|(there is no error '')"},
      {"end read with EIO", "1:15|(end has no error to choose)"},
      {"short read", "1:11|(a number of bytes is missing)"},
      {"full write; fail open", "1:11|(a number of bytes is missing)"},
      {"delay read 5", "1:12|(expected a pattern in quotes, #N, xN, always, offset, at or with, not '5')"},
      {"delay read 9999999999h",
       "1:12|(expected a pattern in quotes, #N, xN, always, offset, at or with, not '9999999999h')"},
      {"delay read", "1:11|(a time is missing: 250ms)"},
      {"fail open at", "1:13|(a file is missing after at)"},
      {"fail open at :7", "1:14|(a file is missing after at)"},
      {"fail open at a.cpp:", "1:14|(a line is missing after the colon)"},
      {"fail open at a.cpp:x", "1:14|(a line is a number, not 'x')"},
      {"fail open at \"a.cpp\":", "1:14|(a line is missing after the colon)"},
      {"fail open at \"a.cpp\"7", "1:14|(after the file comes :LINE, not '7')"},
      {"fail open offset -1", "1:18|(offset needs a number, not '-1')"},
      {"fail open \x1b[31m",
       "1:11|(expected a pattern in quotes, #N, xN, always, offset, at or with, not '\\x1b[31m')"},
      {"\0"s, "1:1|(expected fail, fail after, short, delay, full, end, reset or crash, not '\\x00')"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.text);
    const std::size_t bar = each.error.find('|');
    CHECK(error_of(each.text) == "parse plan:" + each.error.substr(0, bar) + invalid + each.error.substr(bar + 1));
  }
}

TEST_CASE("no text crashes the parser, and what it reads it writes so that it reads the same") {
  const std::vector<std::string> pieces = {"fail",  " ",      "after",  "\"",   "\\",   "x",     "#",
                                           "1",     ":",      "at",     "with", "EIO",  ";",     "\n",
                                           "short", "offset", "always", "\0"s,  "\xff", "delay", "ms"};
  std::uint32_t seed = 1;
  const auto next = [&] { return seed = seed * 1664525 + 1013904223; };
  int read = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = round % 2 == 0 ? "fail o " : "";
    for (std::uint32_t count = next() >> 28; count > 0; --count) text += pieces[(next() >> 8) % pieces.size()];
    const Result<std::vector<Rule>> rules = parse_rules(text);
    if (!rules) continue;
    for (const Rule& rule : *rules) {
      ++read;
      const Result<Rule> again = Rule::parse(to_string(rule));
      REQUIRE_MESSAGE(again, text);
      REQUIRE_MESSAGE(*again == rule, text);
    }
  }
  CHECK(read > 100);
}
