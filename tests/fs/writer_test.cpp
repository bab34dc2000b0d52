#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <leash/fs/tracked_fs.hpp>
#include <leash/fs/writer.hpp>
#include <leash/track/tracker.hpp>
#include <optional>
#include <set>
#include <string>

#include "failing_at.hpp"
#include "recorder.hpp"
#include "subjects.hpp"

namespace fs = leash::fs;
namespace track = leash::track;
using leash::Context;

LEASH_FS_TEST("what a Writer is given is in the file, in order, whatever the sizes") {
  for (const std::size_t buffer_size : {0U, 1U, 2U, 7U, 64U, 4096U}) {
    Subject subject(on);
    const auto file = subject.files().create(Context(), "a").value();
    std::string expected;
    {
      fs::Writer writer(Context(), *file, buffer_size);
      for (std::size_t i = 0; i < 60; ++i) {
        const std::string text(i * i % 71, static_cast<char>('a' + i % 26));
        CHECK(writer.write(text));
        expected += text;
        if (i % 13 == 0) {
          CHECK(writer.flush());
          CHECK((get(subject.files(), "a") == expected));
        }
      }
      const std::byte byte{'!'};
      CHECK(writer.write(std::span(&byte, 1)));
      CHECK(writer.write(std::span<const std::byte>()));
      CHECK(writer.write(std::string_view()));
      expected += '!';
    }
    // The destructor has written the rest, and left the file open.
    CHECK(file->write("end"));
    CHECK(file->close());
    CHECK((get(subject.files(), "a") == expected + "end"));
  }
}

TEST_CASE("a Writer collects small writes, and passes large ones on") {
  fs::MemoryFS memory;
  FailingAt counting(memory);
  const auto file = counting.create(Context(), "a").value();
  fs::Writer writer(Context(), *file, 10);
  const auto writes = [&] { return std::ranges::count(counting.operations, "write"); };
  CHECK(writer.write("123456789"));
  CHECK(writes() == 0);
  CHECK(writer.write("abc"));
  CHECK(writes() == 1);
  CHECK(writer.write("0123456789"));
  CHECK(writes() == 3);
  CHECK(writer.flush());
  CHECK(writes() == 3);
  CHECK(writer.close());
  CHECK(get(memory, "a") == "123456789abc0123456789");
}

TEST_CASE("close writes the rest and closes the file; after it a Writer writes nothing") {
  fs::MemoryFS memory;
  const auto file = memory.create(Context(), "a").value();
  fs::Writer writer(Context(), *file);
  CHECK(writer.write("text"));
  CHECK(writer.close());
  CHECK(get(memory, "a") == "text");
  CHECK(code_of(file->write("x")) == std::errc::bad_file_descriptor);
  CHECK(code_of(writer.write("x")) == std::errc::bad_file_descriptor);
  CHECK(code_of(writer.write("")) == std::errc::bad_file_descriptor);
  CHECK(code_of(writer.flush()) == std::errc::bad_file_descriptor);
  CHECK(code_of(writer.close()) == std::errc::bad_file_descriptor);
}

TEST_CASE("the first error of a Writer sticks, and close returns it and closes the file") {
  fs::MemoryFS memory;
  FailingAt failing(memory);
  int writes = 0;
  failing.fails = [&](int, std::string_view operation) { return operation == "write" && ++writes == 2; };
  const auto file = failing.create(Context(), "a").value();
  {
    fs::Writer writer(Context(), *file, 4);
    CHECK(writer.write("1234"));
    CHECK(writer.write("567"));
    const auto failed = writer.write("89");
    CHECK(text_of(failed) == "write a: No space left on device");
    CHECK(text_of(writer.write("x")) == text_of(failed));
    CHECK(text_of(writer.write("")) == text_of(failed));
    CHECK(text_of(writer.flush()) == text_of(failed));
    CHECK(text_of(writer.close()) == text_of(failed));
    CHECK(failing.operations.back() == "close");
  }
  CHECK(writes == 2);
  CHECK(get(memory, "a") == "1234");
}

TEST_CASE("a write that ends in an exception is an error that sticks: nothing is written twice") {
  fs::MemoryFS memory;
  FailingAt failing(memory);
  failing.throws = true;
  failing.fails = [](int, std::string_view operation) { return operation == "write"; };
  const auto file = failing.create(Context(), "a").value();
  {
    fs::Writer writer(Context(), *file);
    CHECK(writer.write("once"));
    CHECK_THROWS_AS(static_cast<void>(writer.flush()), FailingAt::Thrown);
    CHECK(text_of(writer.write("x")) == "write a: Input/output error (an earlier write ended in an exception)");
  }
  CHECK(std::ranges::count(failing.operations, "write") == 1);
}

TEST_CASE("an error of closing the file is that of close") {
  fs::MemoryFS memory;
  FailingAt failing(memory);
  failing.fails = [](int, std::string_view operation) { return operation == "close"; };
  const auto file = failing.create(Context(), "a").value();
  fs::Writer writer(Context(), *file);
  CHECK(writer.write("x"));
  CHECK(text_of(writer.close()) == "close a: No space left on device");
}

TEST_CASE("a Writer whose Context is done writes nothing more, but its destructor does") {
  fs::MemoryFS memory;
  const auto file = memory.create(Context(), "a").value();
  const auto [ctx, source] = Context().with_cancel();
  {
    fs::Writer writer(ctx, *file, 4);
    CHECK(writer.write("123"));
    source.cancel();
  }
  CHECK(get(memory, "a") == "123");
  fs::Writer writer(ctx, *file, 4);
  CHECK(writer.write("567"));
  CHECK(code_of(writer.flush()) == std::errc::operation_canceled);
  CHECK(code_of(writer.close()) == std::errc::operation_canceled);
  CHECK(get(memory, "a") == "123");
}

TEST_CASE("a Writer writes at the caller's line") {
  Record record;
  RecordingFile file(record);
  std::optional<fs::Writer> writer;
  // clang-format off
  writer.emplace(leash::Call(Context()), file, 4); CHECK(writer->write("1")); CHECK(writer->write("12345")); CHECK(writer->write("1")); CHECK(writer->flush()); CHECK(writer->write("1")); writer.reset();
  // clang-format on
  CHECK(record.counts.at("write") == 4);
  CHECK(record.lines == std::set<unsigned>{__LINE__ - 3});
}

TEST_CASE("what a Writer's destructor cannot write is dropped, unless its user knew" *
          doctest::skip(!leash::tracking_enabled)) {
  fs::MemoryFS memory;
  FailingAt failing(memory);
  failing.fails = [](int, std::string_view operation) { return operation == "write"; };
  const auto file = failing.create(Context(), "a").value();
  for (const bool knew : {false, true}) {
    auto [tracker, ctx] = track::with_tracker(Context());
    {
      fs::Writer writer(ctx, *file);
      CHECK(writer.write("x"));
      if (knew) CHECK_FALSE(writer.flush());
      fs::Writer(ctx, *file);
    }
    const track::Report report = tracker.close();
    CHECK(report.ok() == knew);
    if (!knew) {
      REQUIRE(report.groups.size() == 1);
      CHECK(report.groups[0].rule == track::Rule::dropped);
      CHECK(report.groups[0].kind.one == "buffered writer");
      CHECK(report.groups[0].opened.site.line() == __LINE__ - 11);
    }
  }
}

TEST_CASE("a Writer that ends or is closed is no finding, one that outlives the test is" *
          doctest::skip(!leash::tracking_enabled)) {
  fs::MemoryFS memory;
  const auto file = memory.create(Context(), "a").value();
  const auto other = memory.create(Context(), "b").value();
  auto [tracker, ctx] = track::with_tracker(Context(), {.on_late = [](const track::Report&) {}});
  {
    fs::Writer writer(ctx, *file);
    CHECK(writer.write("x"));
  }
  std::optional<fs::Writer> closed(std::in_place, leash::Call(ctx), *other);
  CHECK(closed->write("x"));
  CHECK(closed->close());
  std::optional<fs::Writer> leaked(std::in_place, leash::Call(ctx), *file);
  const track::Report report = tracker.close();
  CHECK(report.groups.size() == 1);
  CHECK(report.groups.at(0).rule == track::Rule::leaked);
  CHECK(report.groups.at(0).count == 1);
  fs::Writer late(ctx, *file);
  CHECK(code_of(late.write("x")) == track::errc::tracker_closed);
  CHECK(code_of(late.flush()) == track::errc::tracker_closed);
}
