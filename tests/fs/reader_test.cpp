#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <leash/fs/reader.hpp>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "failing_at.hpp"
#include "subjects.hpp"

namespace fs = leash::fs;
using leash::Context;

namespace {

/// Reads as many bytes as it is told to, at most.
class PiecesFile final : public fs::ProxyFile {
 public:
  PiecesFile(std::unique_ptr<fs::File> inner, std::size_t max) : ProxyFile(std::move(inner)), max_(max) {}

 private:
  leash::Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override {
    return ProxyFile::do_read(buffer.first(std::min(buffer.size(), max_)), site);
  }

  std::size_t max_;
};

/// Notes the lines that it is read from.
class SitesFile final : public fs::ProxyFile {
 public:
  SitesFile(std::unique_ptr<fs::File> inner, std::set<unsigned>& lines) : ProxyFile(std::move(inner)), lines_(lines) {}

 private:
  leash::Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override {
    lines_.insert(site.line());
    return ProxyFile::do_read(buffer, site);
  }

  std::set<unsigned>& lines_;
};

using Lines = std::vector<std::string>;

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Lines read_lines(fs::Reader& reader) {
  Lines lines;
  for (;;) {
    const auto line = reader.read_line();
    REQUIRE_MESSAGE(line, text_of(line));
    if (!*line) return lines;
    lines.emplace_back(**line);
  }
}

Lines loop_over(fs::Reader& reader, leash::Result<void>& result) {
  Lines lines;
  for (const std::string_view line : reader.lines(result)) lines.emplace_back(line);
  return lines;
}

}  // namespace

LEASH_FS_TEST("lines are read without their ends, whatever the sizes of buffer and reads") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  std::string mixed;
  for (std::size_t i = 0; i < 40; ++i) mixed += std::string(i * i % 37, 'x') + '\n';
  std::string large;
  for (std::size_t i = 0; i < 900; ++i) large += std::string(i * i % 37, 'x') + '\n';
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("a"), std::string("a\n"), std::string("\n\n"),
        std::string("a\nb"), std::string("a\r\nb\n\n\nc\n"), std::string("a\0b\n", 4), mixed, mixed + "last", large}) {
    put(files, "a", text);
    for (const std::size_t buffer_size : {0U, 1U, 2U, 3U, 16U, 4096U, 65536U}) {
      for (const std::size_t max_read : {1U, 77U, 100'000U}) {
        CAPTURE(text);
        CAPTURE(buffer_size);
        CAPTURE(max_read);
        PiecesFile file(files.open(ctx, "a").value(), max_read);
        fs::Reader reader(ctx, file, {.buffer_size = buffer_size});
        CHECK(read_lines(reader) == lines_of(text));
        CHECK(reader.read_line().value() == std::nullopt);
        CHECK(file.seek(0));
        leash::Result<void> result = leash::fail("before", "", std::errc::io_error);
        fs::Reader second(ctx, file, {.buffer_size = buffer_size});
        CHECK(loop_over(second, result) == lines_of(text));
        CHECK(result);
      }
    }
  }
}

TEST_CASE("the buffer grows for a long line, up to the bound; what is longer can be read as bytes") {
  fs::MemoryFS memory{{"a", std::string(100, 'x') + '\n' + std::string(101, 'y') + "\nz"}};
  const auto file = memory.open(Context(), "a").value();
  fs::Reader reader(Context(), *file, {.buffer_size = 3, .max_line = 100});
  CHECK(reader.read_line().value() == std::string(100, 'x'));
  for (int i = 0; i < 2; ++i) {
    const auto line = reader.read_line();
    CHECK(text_of(line).starts_with("read_line a: "));
    CHECK(code_of(line) == std::errc::value_too_large);
    CHECK(line.error().detail() == "a line of more than 100 bytes");
  }
  leash::Result<void> result;
  CHECK(loop_over(reader, result).empty());
  CHECK(code_of(result) == std::errc::value_too_large);
  std::array<char, 102> bytes{};
  std::size_t size = 0;
  while (size < bytes.size()) {
    size += reader.read(std::as_writable_bytes(std::span(bytes).subspan(size))).value();
  }
  CHECK(std::string_view(bytes.data(), size) == std::string(101, 'y') + '\n');
  CHECK(reader.read_line().value() == "z");
  CHECK(reader.read_line().value() == std::nullopt);
}

TEST_CASE("the last line is bound as well, and a bound may be that of memory") {
  for (const std::size_t max_line : {std::size_t{0}, std::size_t{2}, std::size_t{3}, SIZE_MAX}) {
    fs::MemoryFS memory{{"a", "abc"}};
    const auto file = memory.open(Context(), "a").value();
    fs::Reader reader(Context(), *file, {.max_line = max_line});
    const auto line = reader.read_line();
    if (max_line < 3) {
      CHECK(code_of(line) == std::errc::value_too_large);
    } else {
      CHECK(line.value() == "abc");
    }
  }
}

TEST_CASE("lines and bytes may be read in turn") {
  fs::MemoryFS memory{{"a", "head\n0123456789\ntail\n"}};
  const auto file = memory.open(Context(), "a").value();
  fs::Reader reader(Context(), *file, {.buffer_size = 8});
  std::array<char, 64> bytes{};
  const auto read = [&](std::size_t size) {
    const auto count = reader.read(std::as_writable_bytes(std::span(bytes).first(size)));
    REQUIRE(count);
    return std::string(bytes.data(), *count);
  };
  CHECK(read(0).empty());
  CHECK(reader.read_line().value() == "head");
  CHECK(read(2) == "01");
  CHECK(read(2) == "2");  // The rest of what was in the buffer.
  CHECK(read(2) == "34");
  CHECK(reader.read_line().value() == "56789");
  CHECK(read(64) == "tail\n");
  CHECK(read(64).empty());
  CHECK(reader.read_line().value() == std::nullopt);
}

TEST_CASE("an error ends the loop and is its result; nothing is lost, and the next call goes on") {
  fs::MemoryFS memory{{"a", "one\ntwo\nthree\n"}};
  FailingAt failing(memory);
  int reads = 0;
  failing.fails = [&](int, std::string_view operation) { return operation == "read" && ++reads == 2; };
  const auto file = failing.open(Context(), "a").value();
  fs::Reader reader(Context(), *file, {.buffer_size = 6});
  leash::Result<void> result;
  CHECK(loop_over(reader, result) == Lines{"one"});
  CHECK(text_of(result) == "read a: No space left on device");
  CHECK(loop_over(reader, result) == Lines{"two", "three"});
  CHECK(result);
}

TEST_CASE("a Context that is done ends the reading when the buffer is empty") {
  fs::MemoryFS memory{{"a", "one\ntwo\nthree\n"}};
  const auto file = memory.open(Context(), "a").value();
  const auto [ctx, source] = Context().with_cancel();
  fs::Reader reader(ctx, *file, {.buffer_size = 8});
  CHECK(reader.read_line().value() == "one");
  source.cancel();
  CHECK(reader.read_line().value() == "two");
  CHECK(text_of(reader.read_line()) == "read a: Operation canceled");
  std::array<std::byte, 100> bytes{};
  CHECK(code_of(reader.read(bytes)) == std::errc::operation_canceled);
  CHECK(code_of(reader.read(std::span(bytes).first(1))) == std::errc::operation_canceled);
  leash::Result<void> result;
  CHECK(loop_over(reader, result).empty());
  CHECK(code_of(result) == std::errc::operation_canceled);
}

TEST_CASE("a loop may be left early, and what follows goes on there") {
  fs::MemoryFS memory{{"a", "one\ntwo\nthree\n"}};
  const auto file = memory.open(Context(), "a").value();
  fs::Reader reader(Context(), *file);
  leash::Result<void> result;
  for (const std::string_view line : reader.lines(result)) {
    CHECK(line == "one");
    break;
  }
  CHECK(reader.read_line().value() == "two");
  CHECK(std::ranges::distance(reader.lines(result)) == 1);
  static_assert(std::ranges::input_range<fs::Reader::Lines>);
}

TEST_CASE("what is written behind the end that was read can be read") {
  fs::MemoryFS memory{{"log", "one\n"}};
  const auto log = memory.append(Context(), "log").value();
  const auto file = memory.open(Context(), "log").value();
  fs::Reader reader(Context(), *file);
  CHECK(reader.read_line().value() == "one");
  CHECK(reader.read_line().value() == std::nullopt);
  CHECK(log->write("two\n"));
  CHECK(reader.read_line().value() == "two");
}

TEST_CASE("a Reader reads at the caller's line") {
  fs::MemoryFS memory{{"a", "one\ntwo\n"}};
  std::set<unsigned> lines;
  SitesFile file(memory.open(Context(), "a").value(), lines);
  std::array<std::byte, 100> bytes{};
  leash::Result<void> result;
  // clang-format off
  fs::Reader reader(Context(), file, {.buffer_size = 4}); CHECK(reader.read_line()); CHECK(reader.read(std::span(bytes).first(1))); CHECK(reader.read(bytes)); CHECK(reader.read(bytes)); for (const std::string_view line : reader.lines(result)) CHECK(line.empty());
  // clang-format on
  CHECK(result);
  CHECK(lines == std::set<unsigned>{__LINE__ - 3});
}
