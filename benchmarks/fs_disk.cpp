// What a DiskFS takes, and the functions that read files with it, beside system calls and the standard library.
#include <fcntl.h>
#include <ftw.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <fs_common.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/reader.hpp>
#include <leash/fs/walk.hpp>
#include <leash/fs/write_file.hpp>
#include <memory>
#include <random>

namespace {

using bench::Block;
using bench::mib;
using bench::must;
using leash::Context;
using leash::fs::DiskFS;

/// A directory in memory (tmpfs), so that no device is measured; without one, where temporary files go.
class Directory {
 public:
  Directory() {
    const bool has_shm = ::access("/dev/shm", W_OK) == 0;
    path_ = (has_shm ? "/dev/shm" : std::filesystem::temp_directory_path().string()) + "/leash-bench-XXXXXX";
    must(::mkdtemp(path_.data()) != nullptr);
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(descriptor_ >= 0);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    ::close(descriptor_);
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string path(std::string_view name) const { return path_ + '/' + std::string(name); }
  int descriptor() const { return descriptor_; }

 private:
  std::string path_;
  int descriptor_ = -1;
};

/// A DiskFS at a directory that has one file.
struct OneFile {
  explicit OneFile(std::size_t size) { must(leash::fs::write_file(ctx, files, "data.csv", std::string(size, 'x'))); }

  Context ctx = Context::background();
  Directory directory;
  DiskFS files = must(DiskFS::open_root(ctx, directory.path()));
};

/// So many times `run`, as a batch for `pairs`.
template <class Run>
auto batch(std::size_t count, Run run) {
  return [=] {
    return bench::processor_seconds([&] {
      for (std::size_t i = 0; i < count; ++i) run();
    });
  };
}

/// Opens as a DiskFS has to: nothing leads out of the directory.
int open_beneath(int directory, const char* path) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, directory, path, &how, sizeof how));
}

void system_calls_open_read4k_close(int directory, Block& block) {
  const int file = open_beneath(directory, "data.csv");
  struct stat info{};
  if (file < 0 || ::fstat(file, &info) != 0 || ::read(file, block.data(), block.size()) != std::ssize(block) ||
      ::close(file) != 0) {
    std::abort();
  }
}

void disk_open_read4k_close(benchmark::State& state) {
  constexpr std::size_t times = 128;
  OneFile one(bench::block_size);
  Block block{};
  bench::pairs(state, times, batch(times, [&] { bench::open_read_close(one.ctx, one.files, "data.csv", block); }),
               batch(times, [&] { system_calls_open_read4k_close(one.directory.descriptor(), block); }));
}
BENCHMARK(disk_open_read4k_close)->UseManualTime();

void ifstream_open_read4k_close(benchmark::State& state) {
  const OneFile one(bench::block_size);
  const std::string path = one.directory.path("data.csv");
  Block block{};
  for (auto _ : state) {
    std::ifstream file(path, std::ios::binary);
    file.read(reinterpret_cast<char*>(block.data()), std::ssize(block));
    if (!file) std::abort();
    file.close();
  }
}
BENCHMARK(ifstream_open_read4k_close);

void disk_stat(benchmark::State& state) {
  constexpr std::size_t times = 128;
  OneFile one(bench::block_size);
  bench::pairs(state, times, batch(times, [&] { must(one.files.stat(one.ctx, "data.csv").has_value()); }),
               batch(times, [&] {
                 struct stat info{};
                 must(::fstatat(one.directory.descriptor(), "data.csv", &info, 0) == 0);
               }));
}
BENCHMARK(disk_stat)->UseManualTime();

void filesystem_stat(benchmark::State& state) {
  const OneFile one(bench::block_size);
  const std::filesystem::path path = one.directory.path("data.csv");
  for (auto _ : state) {
    const std::filesystem::directory_entry entry(path);
    if (entry.file_size() != bench::block_size) std::abort();
    benchmark::DoNotOptimize(entry.last_write_time());
  }
}
BENCHMARK(filesystem_stat);

std::size_t visited = 0;

std::size_t walk_with_leash(const Context& ctx, DiskFS& files) {
  std::size_t count = 0;
  must(leash::fs::walk_info(ctx, files, "include",
                            [&count](std::string_view, const leash::fs::FileInfo&, const std::optional<leash::Error>&) {
                              ++count;
                              return leash::fs::WalkNext::go_on;
                            }));
  return count;
}

std::size_t walk_with_nftw() {
  visited = 0;
  const auto visit = [](const char*, const struct stat*, int, FTW*) {
    ++visited;
    return 0;
  };
  must(::nftw("/usr/include", visit, 64, FTW_PHYS) == 0);
  return visited;
}

void disk_walk(benchmark::State& state) {
  const Context& ctx = Context::background();
  DiskFS files = must(DiskFS::open_root(ctx, "/usr"));
  const std::size_t count = walk_with_nftw();
  must(walk_with_leash(ctx, files) == count);
  bench::pairs(state, static_cast<double>(count), batch(1, [&] { walk_with_leash(ctx, files); }),
               batch(1, [] { walk_with_nftw(); }));
}
BENCHMARK(disk_walk)->UseManualTime()->MinTime(0.5);

void filesystem_walk(benchmark::State& state) {
  const double count = static_cast<double>(walk_with_nftw());
  for (auto _ : state) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator("/usr/include")) {
      struct stat info{};
      if (::lstat(entry.path().c_str(), &info) != 0) std::abort();
    }
  }
  state.counters["names"] = count;
}
BENCHMARK(filesystem_walk);

/// The whole file into memory that was not used before, or as new as malloc gives it.
void read_raw(const char* path) {
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  struct stat info{};
  if (file < 0 || ::fstat(file, &info) != 0) std::abort();
  const auto size = static_cast<std::size_t>(info.st_size);
  const std::unique_ptr<char, void (*)(void*)> buffer(static_cast<char*>(std::malloc(size)), std::free);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(file, buffer.get() + done, size - done);
    if (got <= 0) std::abort();
    done += static_cast<std::size_t>(got);
  }
  if (::close(file) != 0) std::abort();
}

void read_file(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0)) * mib;
  const std::size_t times = size < 8 * mib ? 4 : 1;
  OneFile one(size);
  const std::string path = one.directory.path("data.csv");
  bench::pairs(state, static_cast<double>(times),
               batch(times, [&] { must(must(leash::fs::read_file(one.ctx, one.files, "data.csv")).size() == size); }),
               batch(times, [&] { read_raw(path.c_str()); }));
}
BENCHMARK(read_file)->Arg(1)->Arg(64)->UseManualTime()->MinTime(0.3);

void ifstream_read_file(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0)) * mib;
  const OneFile one(size);
  const std::string path = one.directory.path("data.csv");
  for (auto _ : state) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    std::string content(static_cast<std::size_t>(file.tellg()), '\0');
    file.seekg(0);
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    if (!file) std::abort();
  }
}
BENCHMARK(ifstream_read_file)->Arg(1)->Arg(64);

/// Lines of 0 to 80 bytes, so many bytes together.
std::string some_lines(std::size_t size) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::size_t> length(0, 80);
  std::string result;
  result.reserve(size + 81);
  while (result.size() < size) result.append(length(random), 'x').append(1, '\n');
  return result;
}

void read_lines(benchmark::State& state) {
  const Context& ctx = Context::background();
  const Directory directory;
  DiskFS files = must(DiskFS::open_root(ctx, directory.path()));
  const std::string content = some_lines(static_cast<std::size_t>(state.range(0)) * mib);
  must(leash::fs::write_file(ctx, files, "lines.txt", content));
  const std::string path = directory.path("lines.txt");
  const std::size_t expected = static_cast<std::size_t>(std::ranges::count(content, '\n'));
  const double per_line = static_cast<double>(expected);
  bench::pairs(state, per_line,
               batch(1,
                     [&] {
                       auto file = must(files.open(ctx, "lines.txt"));
                       leash::fs::Reader reader(ctx, *file);
                       leash::Result<void> read;
                       std::size_t bytes = 0;
                       for (const std::string_view line : reader.lines(read)) bytes += line.size() + 1;
                       must(read.has_value() && bytes == content.size());
                     }),
               batch(1, [&] {
                 std::ifstream file(path);
                 std::size_t bytes = 0;
                 for (std::string line; std::getline(file, line);) bytes += line.size() + 1;
                 must(bytes == content.size());
               }));
}
BENCHMARK(read_lines)->Arg(100)->UseManualTime()->MinTime(0.5);

}  // namespace
