// How the cost of a MemoryFS grows with the number of files, with the depth of a path and with the size of a file.
#include <fs_common.hpp>

#include <algorithm>
#include <cstdint>
#include <leash/fs/memory_fs.hpp>
#include <random>
#include <span>

namespace {

using bench::kib;
using bench::mib;
using bench::must;
using leash::Context;
using leash::fs::MemoryFS;

/// With so many files, in folders of a thousand, `run(files, path)` for random ones.
template <class Run>
void with_files(benchmark::State& state, Run run) {
  MemoryFS files;
  std::vector<std::string> chosen;
  {
    const auto names = bench::paths(static_cast<std::size_t>(state.range(0)));
    bench::fill(files, names, 1);
    chosen = bench::some_of(names);
  }
  std::size_t next = 0;
  for (auto _ : state) {
    run(files, chosen[next]);
    if (++next == chosen.size()) next = 0;
  }
}

void files_stat(benchmark::State& state) {
  const Context& ctx = Context::background();
  with_files(state, [&](MemoryFS& files, const std::string& path) { must(files.stat(ctx, path).has_value()); });
}
BENCHMARK(files_stat)->RangeMultiplier(10)->Range(100, 1'000'000);

void files_open_close(benchmark::State& state) {
  const Context& ctx = Context::background();
  with_files(state, [&](MemoryFS& files, const std::string& path) {
    auto file = files.open(ctx, path);
    if (!file || !(*file)->close()) std::abort();
  });
}
BENCHMARK(files_open_close)->RangeMultiplier(10)->Range(100, 1'000'000);

void files_create_remove(benchmark::State& state) {
  const Context& ctx = Context::background();
  with_files(state, [&](MemoryFS& files, const std::string& path) {
    // The file is there already: it goes, and a new one of the name comes.
    if (!files.remove(ctx, path)) std::abort();
    auto file = files.create(ctx, path);
    if (!file || !(*file)->close()) std::abort();
  });
}
BENCHMARK(files_create_remove)->RangeMultiplier(10)->Range(100, 1'000'000);

/// A file below so many folders.
void depth_stat(benchmark::State& state) {
  const Context& ctx = Context::background();
  std::string path;
  for (std::int64_t i = 0; i < state.range(0); ++i) path.append("folder-").append(std::to_string(i)).append("/");
  path += "file.csv";
  MemoryFS files;
  bench::fill(files, {path}, 1);
  for (auto _ : state) must(files.stat(ctx, path).has_value());
}
BENCHMARK(depth_stat)->RangeMultiplier(2)->Range(1, 64);

constexpr std::size_t piece = 64 * kib;

/// A new file of so many bytes, written in pieces of at most 64 KiB and removed.
void size_write(benchmark::State& state) {
  const Context& ctx = Context::background();
  const auto size = static_cast<std::size_t>(state.range(0));
  const std::vector<std::byte> content(std::min(size, piece));
  MemoryFS files;
  for (auto _ : state) {
    auto file = must(files.create(ctx, "data.bin"));
    for (std::size_t done = 0; done < size;) {
      const std::size_t count = std::min(size - done, content.size());
      must(file->write(std::span(content).first(count)));
      done += count;
    }
    must(file->close());
    must(files.remove(ctx, "data.bin"));
  }
}
BENCHMARK(size_write)->RangeMultiplier(32)->Range(1, 1024 * mib);

/// A file of so many bytes, read in pieces of at most 64 KiB.
void size_read(benchmark::State& state) {
  const Context& ctx = Context::background();
  const auto size = static_cast<std::size_t>(state.range(0));
  MemoryFS files;
  {
    const std::vector<std::byte> content(std::min(size, piece));
    auto file = must(files.create(ctx, "data.bin"));
    for (std::size_t done = 0; done < size;) {
      const std::size_t count = std::min(size - done, content.size());
      must(file->write(std::span(content).first(count)));
      done += count;
    }
    must(file->close());
  }
  std::vector<std::byte> buffer(std::min(size, piece));
  for (auto _ : state) {
    auto file = must(files.open(ctx, "data.bin"));
    std::size_t done = 0;
    while (const std::size_t count = must(file->read(buffer))) done += count;
    must(done == size);
    must(file->close());
  }
}
BENCHMARK(size_read)->RangeMultiplier(32)->Range(1, 1024 * mib);

/// One byte read at random offsets of a file of so many bytes.
void size_read_byte(benchmark::State& state) {
  const Context& ctx = Context::background();
  const auto size = static_cast<std::size_t>(state.range(0));
  MemoryFS files;
  auto file = must(files.open(ctx, "data.bin", {.read = true, .write = true, .create = true}));
  const std::vector<std::byte> content(std::min(size, piece));
  for (std::size_t done = 0; done < size;) {
    const std::size_t count = std::min(size - done, content.size());
    must(file->write(std::span(content).first(count)));
    done += count;
  }
  std::mt19937_64 random(1);
  std::byte byte{};
  for (auto _ : state) {
    if (file->read_at({&byte, 1}, random() % size) != 1) std::abort();
    benchmark::ClobberMemory();
  }
}
BENCHMARK(size_read_byte)->RangeMultiplier(32)->Range(1, 1024 * mib);

}  // namespace
