// Two ways to lose a file: one that stays open in a cache, and one that is written and dropped without `close()`.

#include <iostream>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/track/tracker.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace table {

using leash::Context;
using leash::Result;
using leash::fs::File;
using leash::fs::FileSystem;

/// Keeps files open that are read again and again.
class Cache {
 public:
  explicit Cache(FileSystem& files) : files_(files) {}

  /// The size of a table and of its index.
  Result<std::uint64_t> size(const Context& ctx, const std::string& path) {
    auto file = files_.open(ctx, path);
    if (!file) return std::unexpected(file.error());
    File& data = *(open_[path] = std::move(*file));

    const auto index = files_.stat(ctx, path + ".index");
    if (!index) return std::unexpected(index.error());  // Bug: the file stays in the cache, and nobody evicts it.
    const auto info = data.stat();
    if (!info) return std::unexpected(info.error());
    return info->size + index->size;
  }

 private:
  FileSystem& files_;
  std::map<std::string, std::unique_ptr<File>> open_;
};

Result<void> export_csv(const Context& ctx, FileSystem& files, const std::string& path) {
  auto file = files.create(ctx, path);
  if (!file) return std::unexpected(file.error());
  for (const char* line : {"a,b\n", "1,2\n"}) {
    if (auto written = (*file)->write(line); !written) return written;
  }
  return {};  // Bug: what `close()` would have said, "disk full" perhaps, is lost with the file.
}

}  // namespace table

int main() {
  auto [tracker, ctx] = leash::track::with_tracker(leash::Context::background());
  leash::fs::MemoryFS memory{{"data.csv", "a,b\n1,2\n"}};
  leash::fs::TrackedFS files(memory);

  table::Cache cache(files);
  const auto size = cache.size(ctx, "data.csv");
  if (!size) std::cout << size.error() << "\n";
  const auto exported = table::export_csv(ctx, files, "copy.csv");
  if (exported) std::cout << "exported copy.csv\n";

  std::cout << "\n" << tracker.close() << "\n";
  return 0;
}
