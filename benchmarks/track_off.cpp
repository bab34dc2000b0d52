// Compiled without tracking: what one open and one read through TrackedFS execute, and what they do directly. To be run
// under callgrind, which counts each between two client requests.
#include <valgrind/callgrind.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <memory>
#include <utility>

namespace {

using leash::Context;
using leash::fs::File;
using leash::fs::FileSystem;

[[gnu::noinline]] std::unique_ptr<File> open_file(const Context& context, FileSystem& files) {
  auto file = files.open(context, "data.csv");
  if (!file) std::abort();
  return std::move(*file);
}

[[gnu::noinline]] std::size_t read_file(File& file) {
  std::array<std::byte, 16> buffer;
  const auto read = file.read_at(buffer, 0);
  if (!read) std::abort();
  return *read;
}

template <class Function>
void count(const char* name, Function function) {
  CALLGRIND_ZERO_STATS;
  CALLGRIND_TOGGLE_COLLECT;
  function();
  CALLGRIND_TOGGLE_COLLECT;
  CALLGRIND_DUMP_STATS_AT(name);
}

void count_all(const Context& context, FileSystem& files, const char* open_name, const char* read_name) {
  // What is done the first time is not counted.
  for (int time = 0; time < 100; ++time) read_file(*open_file(context, files));
  std::unique_ptr<File> file;
  count(open_name, [&] { file = open_file(context, files); });
  count(read_name, [&] { read_file(*file); });
}

}  // namespace

int main() {
  static_assert(!leash::tracking_enabled);
  leash::fs::MemoryFS memory{{"data.csv", "a,b\n1,2\n"}};
  leash::fs::TrackedFS tracked(memory);
  const Context context = Context::background();
  count_all(context, memory, "direct_open", "direct_read");
  count_all(context, tracked, "tracked_open", "tracked_read");
  return 0;
}
