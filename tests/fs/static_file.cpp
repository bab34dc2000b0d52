// Files in static variables, made first and so destroyed last. Exits with 0 if they still work and end in peace; the
// sanitizers see to the rest.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "temp_dir.hpp"

namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "static_file: %s\n", what);
  std::_Exit(1);
}

/// Uses its files when almost everything else is gone.
struct Table {
  std::vector<std::unique_ptr<leash::fs::File>> files;
  std::vector<std::unique_ptr<leash::fs::Dir>> directories;

  ~Table() {
    for (const auto& file : files) {
      require(file->write("still here").has_value(), "write");
      std::array<std::byte, 10> buffer{};
      const auto count = file->read_at(buffer, 0);
      require(count && *count == buffer.size(), "read_at");
    }
    for (const auto& directory : directories) require(directory->read(10).has_value(), "read");
  }
};

Table table;

void fill(leash::fs::FileSystem& inner) {
  auto [tracker, context] =
      leash::track::with_tracker(leash::Context::background().with_timeout(std::chrono::hours(1)));
  leash::fs::TrackedFS files(inner);
  auto file = files.open(context, "kept", {.read = true, .write = true, .create = true});
  require(file.has_value(), "open");
  auto directory = files.open_dir(context, ".");
  require(directory.has_value(), "open_dir");
  table.files.push_back(*std::move(file));
  table.directories.push_back(*std::move(directory));
  require(tracker.close().ok() != leash::tracking_enabled, "two leaks");
}

}  // namespace

int main() {
  {
    leash::fs::MemoryFS memory{};
    fill(memory);
  }
  const TempDir folder;
  auto disk = leash::fs::DiskFS::open_root(leash::Context::background(), folder.path());
  require(disk.has_value(), "open_root");
  fill(*disk);
}
