// A test that lets each operation fail in a run of its own. doctest runs it: its main function is in tests/main.cpp.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <leash/fault/doctest.hpp>
#include <leash/leash.hpp>
#include <leash/try.hpp>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

/// The files that are being imported.
using Imports = std::map<std::string, std::unique_ptr<leash::fs::File>>;

namespace before {

// snippet: bug
leash::Result<std::size_t> import_csv(const leash::Context& ctx, leash::fs::FileSystem& files, Imports& imports,
                                      const std::string& path) {
  auto opened = files.open(ctx, path);
  if (!opened) return std::unexpected(opened.error());
  leash::fs::File& file = *(imports[path] = std::move(*opened));
  std::array<char, 4096> rows{};
  const auto size = file.read(std::as_writable_bytes(std::span(rows)));
  if (!size) return std::unexpected(size.error());
  const auto closed = file.close();
  imports.erase(path);
  if (!closed) return std::unexpected(closed.error());
  return std::ranges::count(rows, '\n');
}
// end snippet

}  // namespace before

namespace after {

// snippet: mended
leash::Result<std::size_t> count_rows(leash::fs::File& file) {
  std::array<char, 4096> rows{};
  const auto size = leash::fs::read_full(file, std::as_writable_bytes(std::span(rows)));
  if (!size) return std::unexpected(size.error());
  return std::ranges::count(std::span(rows).first(*size), '\n');
}

leash::Result<std::size_t> import_csv(const leash::Context& ctx, leash::fs::FileSystem& files, Imports& imports,
                                      const std::string& path) {
  auto opened = files.open(ctx, path);
  if (!opened) return std::unexpected(opened.error());
  leash::fs::File& file = *(imports[path] = std::move(*opened));
  auto rows = count_rows(file);
  const auto closed = file.close();
  imports.erase(path);
  if (rows && !closed) return std::unexpected(closed.error());
  return rows;
}
// end snippet

}  // namespace after

TEST_CASE("a sweep finds what is wrong with the import") {
  using before::import_csv;
  // snippet: sweep
  const auto result = leash::fault::sweep([](const leash::Context& ctx) -> leash::Result<void> {
    leash::fs::MemoryFS memory{{"data.csv", "a,b\n1,2\n"}};
    leash::fs::FaultFS faulty(memory);
    leash::fs::TrackedFS files(faulty);
    auto imports = std::make_shared<Imports>();
    leash::fault::keep_until_verdict(ctx, imports);

    const auto rows = import_csv(ctx, files, *imports, "data.csv");
    if (!rows) return std::unexpected(rows.error());
    leash::fault::expect(ctx, *rows == 2, "all rows are counted");
    return {};
  });
  // end snippet
  CAPTURE(result);
  CHECK_FALSE(result.ok());
  CHECK(result.groups.size() == (leash::tracking_enabled ? 2 : 1));
}

TEST_CASE("the mended import survives whatever fails") {
  using after::import_csv;
  // snippet: test
  LEASH_SWEEP([](const leash::Context& ctx) -> leash::Result<void> {
    leash::fs::MemoryFS memory{{"data.csv", "a,b\n1,2\n"}};
    leash::fs::FaultFS faulty(memory);
    leash::fs::TrackedFS files(faulty);
    auto imports = std::make_shared<Imports>();
    leash::fault::keep_until_verdict(ctx, imports);

    const auto rows = import_csv(ctx, files, *imports, "data.csv");
    if (!rows) return std::unexpected(rows.error());
    leash::fault::expect(ctx, *rows == 2, "all rows are counted");
    return {};
  });
  // end snippet
}

TEST_CASE("one fault, by hand") {
  using after::import_csv;
  // snippet: plan
  leash::fault::Plan plan(leash::take(leash::fault::parse_rules("fail open \"*.csv\" #2 with EMFILE")));
  const leash::Context ctx = with_plan(leash::Context::background(), plan);
  leash::fs::MemoryFS memory{{"a.csv", "1\n"}, {"b.csv", "2\n"}};
  leash::fs::FaultFS files(memory);
  Imports imports;
  CHECK(import_csv(ctx, files, imports, "a.csv").has_value());
  CHECK(import_csv(ctx, files, imports, "b.csv").error() == std::errc::too_many_files_open);
  CHECK(plan.injected() == 1);
  CHECK(plan.unmatched().empty());
  // end snippet
}

TEST_CASE("what is saved survives a power cut at any moment") {
  // snippet: power
  auto faults = leash::fault::FittingFaults::standard();
  faults.add_crashes();
  const auto whole = [](const leash::Context&, leash::fs::FileSystem& left) -> leash::Result<void> {
    const std::string content = LEASH_TRY(leash::fs::read_file(leash::Context(), left, "settings"));
    if (content == "old" || content == "new") return {};
    return leash::fail("check", "settings", std::errc::io_error, "torn");
  };
  LEASH_SWEEP(
      [&](const leash::Context& ctx) {
        auto memory = leash::fs::MemoryFS::with({.crash_clones = true}, {{"settings", "old"}});
        leash::fs::FaultFS faulty(memory, {.after_crash = whole});
        leash::fs::TrackedFS files(faulty);
        return leash::fs::write_file_atomic(ctx, files, "settings", "new");
      },
      {.faults = faults});
  // end snippet
}
