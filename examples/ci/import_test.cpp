#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <leash/fs/memory_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/track/every_test_doctest.hpp>
#include <memory>
#include <utility>
#include <vector>

LEASH_TRACK_EVERY_TEST();

namespace {

/// Keeps the files that it has imported.
class Importer {
 public:
  explicit Importer(leash::fs::FileSystem& files) : files_(files) {}

  bool import(const leash::Context& ctx, const char* path) {
    auto file = files_.open(ctx, path);
    if (!file) return false;
    kept_.push_back(*std::move(file));  // Bug: nothing ever closes it.
    return true;
  }

 private:
  leash::fs::FileSystem& files_;
  std::vector<std::unique_ptr<leash::fs::File>> kept_;
};

leash::fs::MemoryFS disk{{"a.csv", "1;2\n"}, {"b.csv", "3;4\n"}};

}  // namespace

TEST_CASE("imports what is there") {
  leash::fs::TrackedFS files(disk);
  // It lives as long as the program, as one of a service would.
  static Importer importer(files);
  CHECK(importer.import(leash::track::this_test(), "a.csv"));
  CHECK(importer.import(leash::track::this_test(), "b.csv"));
}

TEST_CASE("imports nothing where there is nothing") {
  leash::fs::TrackedFS files(disk);
  CHECK_FALSE(Importer(files).import(leash::track::this_test(), "c.csv"));
}
