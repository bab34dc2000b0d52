// A program for callgrind: what opening, reading and closing a file takes through TrackedFS, where tracking is compiled
// out, and directly. `bench_off_files direct|tracked TIMES DIRECTORY`; one function for each operation, the same for
// both.
#include <array>
#include <cstddef>
#include <cstdlib>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/fs/write_file.hpp>
#include <memory>
#include <string_view>

static_assert(!leash::tracking_enabled);

using leash::Context;
using leash::fs::DiskFS;
using leash::fs::File;
using leash::fs::FileSystem;
using leash::fs::TrackedFS;

extern "C" {

[[gnu::noinline]] void bench_open(FileSystem& files, const Context& context, std::unique_ptr<File>& file) {
  if (auto opened = files.open(context, "data.csv")) file = *std::move(opened);
}

[[gnu::noinline]] bool bench_read(File& file, std::array<std::byte, 16>& buffer) {
  return file.read(buffer).has_value();
}

[[gnu::noinline]] bool bench_close(std::unique_ptr<File>& file) {
  const bool closed = file->close().has_value();
  file.reset();
  return closed;
}
}

int main(int count, char** arguments) {
  if (count != 4) return 2;
  const bool is_tracked = std::string_view(arguments[1]) == "tracked";
  const Context context = Context::background();
  auto disk = DiskFS::open_root(context, arguments[3]);
  if (!disk || !leash::fs::write_file(context, *disk, "data.csv", "some bytes")) return 1;
  TrackedFS tracked(*disk);
  FileSystem& files = is_tracked ? static_cast<FileSystem&>(tracked) : *disk;

  std::unique_ptr<File> file;
  std::array<std::byte, 16> buffer{};
  for (long left = std::strtol(arguments[2], nullptr, 10); left > 0; --left) {
    bench_open(files, context, file);
    if (!file || !bench_read(*file, buffer) || !bench_close(file)) return 1;
  }
}
