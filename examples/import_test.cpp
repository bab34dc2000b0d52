// The test that a user of leash writes first. doctest runs it: its main function is in tests/main.cpp.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <leash/leash.hpp>
#include <leash/track/doctest.hpp>
#include <span>
#include <string_view>

// snippet: program
leash::Result<std::size_t> import_csv(const leash::Context& ctx, leash::fs::FileSystem& files, std::string_view path) {
  auto file = files.open(ctx, path);
  if (!file) return std::unexpected(file.error());
  std::array<char, 4096> rows{};
  const auto size = leash::fs::read_full(**file, std::as_writable_bytes(std::span(rows)));
  if (!size) return std::unexpected(size.error());
  if (auto closed = (*file)->close(); !closed) return std::unexpected(closed.error());
  return std::ranges::count(rows, '\n');
}
// end snippet

// snippet: test
TEST_CASE("import closes its file") {
  leash::track::DoctestTracker tracker;
  leash::fs::MemoryFS memory{{"data.csv", "a,b\n1,2\n"}};
  leash::fs::TrackedFS files(memory);
  CHECK(import_csv(tracker.context(), files, "data.csv").has_value());
}
// end snippet

TEST_CASE("import of a missing file is an error") {
  leash::track::DoctestTracker tracker;
  leash::fs::MemoryFS memory{};
  leash::fs::TrackedFS files(memory);
  const auto lines = import_csv(tracker.context(), files, "data.csv");
  REQUIRE_FALSE(lines.has_value());
  CHECK(to_string(lines.error()) == "open data.csv: No such file or directory");
}
