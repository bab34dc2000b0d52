#include <doctest/doctest.h>

#include <cerrno>
#include <cstdint>
#include <leash/detail/escape.hpp>
#include <leash/fmt.hpp>
#include <leash/result.hpp>
#include <sstream>
#include <string>
#include <utility>

using leash::Error;

TEST_CASE("an Error is one pointer, and says operation, subject and code") {
  static_assert(sizeof(Error) == sizeof(void*));
  static_assert(sizeof(leash::Result<int>) <= 2 * sizeof(void*));
  const Error error("open", "data.csv", std::errc::no_such_file_or_directory);
  CHECK(error.operation() == "open");
  CHECK(error.subject() == "data.csv");
  CHECK(error == std::errc::no_such_file_or_directory);
  CHECK(error != std::errc::permission_denied);
  CHECK_FALSE(error.timeout());
  CHECK(error.causes().empty());
  CHECK(to_string(error) == "open data.csv: No such file or directory");
}

TEST_CASE("an Error prints its detail and its causes, with streams and with fmt") {
  const Error first("connect", "[::1]:80", std::errc::connection_refused);
  const Error second("connect", "127.0.0.1:80", std::errc::timed_out);
  const Error error("dial", "localhost:80", std::errc::connection_refused, "all addresses failed", {first, second});
  const std::string expected =
      "dial localhost:80: Connection refused (all addresses failed); caused by connect [::1]:80: Connection refused, "
      "connect 127.0.0.1:80: Connection timed out";
  std::ostringstream out;
  out << error;
  CHECK(out.str() == expected);
  CHECK(fmt::format("{}", error) == expected);
  CHECK(fmt::format("{:.4}", error) == "dial");
  REQUIRE(error.causes().size() == 2);
  CHECK(error.causes()[1].timeout());
}

TEST_CASE("an Error tells how many bytes were transferred before the operation failed") {
  const Error error("write", "a -> b", std::errc::timed_out, "512 of 4096 bytes written", {}, 512);
  CHECK(error.transferred() == 512);
  Error copy = error;
  CHECK(copy.transferred() == 512);
  const Error moved = std::move(copy);
  CHECK(moved.transferred() == 512);
  CHECK(copy.transferred() == 0);  // NOLINT(bugprone-use-after-move): this is what is tested
  CHECK(to_string(error) == "write a -> b: Connection timed out (512 of 4096 bytes written)");
  CHECK(Error("write", "a -> b", std::error_code(EPIPE, std::generic_category()), {}, {}, UINT64_MAX).transferred() ==
        UINT64_MAX);
  CHECK(Error("write", "a -> b", std::errc::timed_out).transferred() == 0);
}

TEST_CASE("copies of an Error share its detail, and one that was moved from is empty") {
  Error error("read", "a", std::errc::io_error);
  const Error copy = error;
  const Error moved = std::move(error);
  CHECK(copy.subject().data() == moved.subject().data());
  CHECK(error.subject().empty());  // NOLINT(bugprone-use-after-move): this is what is tested
  CHECK_FALSE(error.code());
  error = copy;
  CHECK(error.subject() == "a");
}

TEST_CASE("fail makes the Error of a Result") {
  const auto refuse = []() -> leash::Result<int> { return leash::fail("stat", "x", std::errc::invalid_argument); };
  const leash::Result<int> result = refuse();
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error() == std::errc::invalid_argument);
}

TEST_CASE("a hostile subject cannot write to the terminal") {
  const Error error("open", "a\x1b[31m\nb", std::errc::invalid_argument);
  CHECK(error.subject() == "a\x1b[31m\nb");
  CHECK(to_string(error) == "open a\\x1b[31m\\nb: Invalid argument");
}

TEST_CASE("causes may be many and deep") {
  Error error("a", "b", std::errc::io_error);
  for (int depth = 0; depth < 300000; ++depth) error = Error("a", "b", std::errc::io_error, {}, {error});
  CHECK(to_string(error).size() < 1000);
  Error wide("a", "b", std::errc::io_error, "detail\n");
  for (int depth = 0; depth < 30; ++depth) wide = Error("a", "b", std::errc::io_error, "detail\n", {wide, wide});
  const std::string text = to_string(wide);
  CHECK(text.size() < 20000);
  CHECK(text.contains("(detail\\n)"));
}

TEST_CASE("escape keeps valid UTF-8 and shows every other byte") {
  using leash::detail::escape;
  CHECK(escape("plain ünïcødé 漢字 🐕") == "plain ünïcødé 漢字 🐕");
  CHECK(escape("\t\r\n") == "\\t\\r\\n");
  CHECK(escape(std::string_view("\0\x7f", 2)) == "\\x00\\x7f");
  CHECK(escape("\xff\xfe") == "\\xff\\xfe");
  CHECK(escape("\xc3") == "\\xc3");                             // cut off
  CHECK(escape("\xc0\xaf") == "\\xc0\\xaf");                    // overlong
  CHECK(escape("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");           // overlong
  CHECK(escape("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // a surrogate
  CHECK(escape("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  CHECK(escape("\xc2\x9b"
               "31m") ==
        "\\xc2\\x9b"
        "31m");  // a control character of two bytes
  CHECK(escape(std::string(1 << 20, 'x'), 8) == "xxxxxxxx… (1048576 bytes)");
  CHECK(escape("aé", 2) == "aé");
  CHECK(escape("a\u202eb\u200bc\ufeff") == "a\\xe2\\x80\\xaeb\\xe2\\x80\\x8bc\\xef\\xbb\\xbf");
  CHECK(escape("a\u061cb\U000e0041c") == "a\\xd8\\x9cb\\xf3\\xa0\\x81\\x81c");
  CHECK(escape("\xf0\x80\x80\x80") == "\\xf0\\x80\\x80\\x80");  // overlong
  CHECK(escape("\xe2\x82") == "\\xe2\\x82");                    // cut off
  CHECK(escape("\xe2\x82z") == "\\xe2\\x82z");
}
