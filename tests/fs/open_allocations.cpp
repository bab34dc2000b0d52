// Ends with 0 if opening a file, on disk or in memory, allocates once: the handle. An own program, since it has an own
// malloc.
#include <cstddef>
#include <cstdio>
#include <leash/context.hpp>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/memory_fs.hpp>

extern "C" void* __libc_malloc(std::size_t size);  // NOLINT(bugprone-reserved-identifier): glibc's name

namespace {

bool counting = false;
int allocations = 0;

bool opens_with_one(leash::fs::FileSystem& files, const char* path) {
  const leash::Context ctx;
  bool right = true;
  // The first one in a thread makes what belongs to the thread.
  for (int round = 0; round < 3; ++round) {
    allocations = 0;
    counting = true;
    auto file = files.open(ctx, path);
    counting = false;
    if (round == 0) continue;
    std::printf("%s: %d allocations\n", path, allocations);
    right = right && file && allocations == 1;
  }
  return right;
}

}  // namespace

extern "C" void* malloc(std::size_t size) {
  if (counting) ++allocations;
  return __libc_malloc(size);
}

int main() {
  leash::fs::DiskFS disk = leash::take(leash::fs::DiskFS::open_root(leash::Context(), "/"));
  leash::fs::MemoryFS memory{{"a/b", "content"}};
  const bool on_disk = opens_with_one(disk, "proc/self/status");
  const bool in_memory = opens_with_one(memory, "a/b");
  return on_disk && in_memory ? 0 : 1;
}
