#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <leash/fs/memory_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/track/every_test_doctest.hpp>

LEASH_TRACK_EVERY_TEST();

namespace {

/// Code that was given no Context.
bool export_line(leash::fs::FileSystem& files) {
  auto file = files.create(leash::Context::background(), "out.csv");
  return file && (*file)->write("5;6\n") && (*file)->close();
}

}  // namespace

TEST_CASE("exports a line") {
  leash::fs::MemoryFS disk;
  // snippet: fallback
  leash::fs::TrackedFS files(disk, {.fallback = leash::track::this_test_tracker()});
  // end snippet
  CHECK(export_line(files));
}
