// What a MemoryFS takes, beside the least that could do the same.
#include <malloc.h>
#include <sys/mman.h>
#include <fs_common.hpp>

#include <algorithm>
#include <cstring>
#include <functional>
#include <leash/fs/hooked_file_system.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/write_file.hpp>
#include <memory>
#include <random>
#include <span>

namespace {

using bench::Block;
using bench::kib;
using bench::mib;
using bench::must;
using leash::Context;
using leash::fs::MemoryFS;

/// A hash table in one array that knows where each file's content lies.
class FlatTable {
 public:
  explicit FlatTable(std::size_t slots) : slots_(slots) {}

  void add(std::string_view name, std::string_view content) {
    std::size_t at = hash(name);
    while (!slots_[at & mask()].content.empty()) ++at;
    slots_[at & mask()] = {hash(name), name, content};
  }

  std::string_view find(std::string_view name) const {
    const std::size_t wanted = hash(name);
    for (std::size_t at = wanted; !slots_[at & mask()].content.empty(); ++at) {
      const Slot& slot = slots_[at & mask()];
      if (slot.hash == wanted && slot.name == name) return slot.content;
    }
    return {};
  }

 private:
  struct Slot {
    std::size_t hash = 0;
    std::string_view name;
    std::string_view content;  // Of a slot that is used not empty.
  };

  static std::size_t hash(std::string_view name) { return std::hash<std::string_view>{}(name); }
  std::size_t mask() const { return slots_.size() - 1; }

  std::vector<Slot> slots_;
};

void memory_open_read4k_close(benchmark::State& state) {
  constexpr std::size_t times = 2048;
  const Context& ctx = Context::background();
  const auto names = bench::paths(bench::few_files);
  MemoryFS files;
  bench::fill(files, names, bench::block_size);

  std::size_t handle_size = 0;
  {
    auto file = must(files.open(ctx, names[0]));
    handle_size = ::malloc_usable_size(file.get());
  }
  const std::vector<std::string> contents(names.size(), std::string(bench::block_size, 'x'));
  FlatTable table(4 * names.size());
  for (std::size_t i = 0; i < names.size(); ++i) table.add(names[i], contents[i]);

  Block block{};
  bench::pairs(
      state, times,
      [&] {
        return bench::processor_seconds([&] {
          for (std::size_t i = 0; i < times; ++i) bench::open_read_close(ctx, files, names[i % names.size()], block);
        });
      },
      [&] {
        return bench::processor_seconds([&] {
          for (std::size_t i = 0; i < times; ++i) {
            const std::string_view content = table.find(names[i % names.size()]);
            void* const handle = std::malloc(handle_size);
            benchmark::DoNotOptimize(handle);
            std::memcpy(block.data(), content.data(), content.size());
            benchmark::DoNotOptimize(block.data());
            benchmark::ClobberMemory();
            std::free(handle);
          }
        });
      });
  must(std::ranges::all_of(block, [](std::byte byte) { return byte == std::byte{'x'}; }));
}
BENCHMARK(memory_open_read4k_close)->UseManualTime();

// The parts of it, and what else is called often.

void memory_open_close(benchmark::State& state) {
  const Context& ctx = Context::background();
  const auto names = bench::paths(bench::few_files);
  MemoryFS files;
  bench::fill(files, names, bench::block_size);
  std::size_t next = 0;
  for (auto _ : state) {
    auto file = files.open(ctx, names[next++ % names.size()]);
    if (!file || !(*file)->close()) std::abort();
  }
}
BENCHMARK(memory_open_close);

void memory_read4k(benchmark::State& state) {
  const Context& ctx = Context::background();
  MemoryFS files{{"data.csv", std::string(bench::block_size, 'x')}};
  const auto file = must(files.open(ctx, "data.csv"));
  Block block{};
  for (auto _ : state) {
    if (file->read_at(block, 0) != block.size()) std::abort();
    benchmark::DoNotOptimize(block.data());
  }
}
BENCHMARK(memory_read4k);

void memory_stat(benchmark::State& state) {
  const Context& ctx = Context::background();
  const auto names = bench::paths(bench::few_files);
  MemoryFS files;
  bench::fill(files, names, 1);
  std::size_t next = 0;
  for (auto _ : state) {
    auto info = files.stat(ctx, names[next++ % names.size()]);
    if (!info || info->size != 1) std::abort();
  }
}
BENCHMARK(memory_stat);

void memory_create_write4k_close_remove(benchmark::State& state) {
  const Context& ctx = Context::background();
  const auto names = bench::paths(512);
  MemoryFS files;
  must(files.mkdir(ctx, "data0"));
  const Block block{};
  std::size_t next = 0;
  for (auto _ : state) {
    const std::string& name = names[next++ % names.size()];
    bench::create_write_close(ctx, files, name, block);
    if (!files.remove(ctx, name)) std::abort();
  }
}
BENCHMARK(memory_create_write4k_close_remove);

void memory_make_and_destroy(benchmark::State& state) {
  for (auto _ : state) {
    const MemoryFS files;
    benchmark::DoNotOptimize(&files);
  }
}
BENCHMARK(memory_make_and_destroy);

/// A file system that adds nothing, so that it is the passing through that is measured.
class PlainHook final : public leash::fs::HookedFileSystem {
 public:
  using HookedFileSystem::HookedFileSystem;
};

void hook_read64(benchmark::State& state) {
  constexpr std::size_t times = 4096;
  const Context& ctx = Context::background();
  MemoryFS files{{"data.csv", std::string(64 * kib, 'x')}};
  PlainHook hooked(files);
  const auto direct_file = must(files.open(ctx, "data.csv"));
  const auto hooked_file = must(hooked.open(ctx, "data.csv"));
  std::array<std::byte, 64> buffer{};
  const auto read = [&buffer](leash::fs::File& file) {
    return bench::processor_seconds([&] {
      for (std::size_t i = 0; i < times; ++i) {
        if (file.read_at(buffer, i % 1024 * buffer.size()) != buffer.size()) std::abort();
        benchmark::DoNotOptimize(buffer.data());
      }
    });
  };
  bench::pairs(state, times, [&] { return read(*hooked_file); }, [&] { return read(*direct_file); });
}
BENCHMARK(hook_read64)->UseManualTime();

/// Cuts 4 KiB off, many times, and puts what is missing back.
double truncate_seconds(leash::fs::File& file, std::size_t size, std::size_t times, const std::string& content) {
  const double result = bench::processor_seconds([&] {
    for (std::size_t i = 1; i <= times; ++i) must(file.truncate(size - i * 4 * kib));
  });
  must(file.write_at(content, size - content.size()));
  return result;
}

void memory_truncate(benchmark::State& state) {
  constexpr std::size_t times = 128;
  const Context& ctx = Context::background();
  const std::string cut(times * 4 * kib, 'x');
  MemoryFS files;
  std::vector<std::pair<std::size_t, std::unique_ptr<leash::fs::File>>> sizes;
  for (const std::size_t size : {64 * mib, 1 * mib}) {
    const std::string name = std::to_string(size);
    must(leash::fs::write_file(ctx, files, name, std::string(size, 'x')));
    sizes.emplace_back(size, must(files.open(ctx, name, {.write = true})));
  }
  bench::pairs(
      state, times, [&] { return truncate_seconds(*sizes[0].second, sizes[0].first, times, cut); },
      [&] { return truncate_seconds(*sizes[1].second, sizes[1].first, times, cut); });
}
BENCHMARK(memory_truncate)->UseManualTime();

/// A copy to memory that the process did not have before.
double copy_to_fresh_pages(std::string_view content) {
  void* memory = nullptr;
  const double result = bench::processor_seconds([&] {
    memory = ::mmap(nullptr, content.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(memory != MAP_FAILED);
    std::memcpy(memory, content.data(), content.size());
  });
  ::munmap(memory, content.size());
  return result;
}

void memory_write_file_64m(benchmark::State& state) {
  const Context& ctx = Context::background();
  const std::string content(64 * mib, 'x');
  bench::pairs(
      state, 1,
      [&] {
        MemoryFS files;
        return bench::processor_seconds([&] { must(leash::fs::write_file(ctx, files, "data.bin", content)); });
      },
      [&] { return copy_to_fresh_pages(content); });
}
BENCHMARK(memory_write_file_64m)->UseManualTime();

}  // namespace
