// MemoryFS beside LLVM's file system in memory.
#include <fs_common.hpp>
#include <leash/fs/memory_fs.hpp>

#include <cstring>
#include <random>

#include <llvm/Config/llvm-config.h>
#include <llvm/Support/VirtualFileSystem.h>

namespace {

using bench::Block;
using bench::must;
using leash::Context;
using leash::fs::MemoryFS;

void fill(llvm::vfs::InMemoryFileSystem& files, const std::vector<std::string>& names, std::size_t size) {
  const std::string content(size, 'x');
  for (const std::string& name : names) must(files.addFile(name, 0, llvm::MemoryBuffer::getMemBufferCopy(content)));
}

/// LLVM hands out its own memory. Who wants the content in a buffer copies it there, as the others do.
void llvm_open_read4k_close(benchmark::State& state) {
  constexpr std::size_t times = 1024;
  const Context& ctx = Context::background();
  const auto names = bench::paths(bench::few_files);
  MemoryFS ours;
  llvm::vfs::InMemoryFileSystem theirs;
  bench::fill(ours, names, bench::block_size);
  fill(theirs, names, bench::block_size);
  Block block{};
  bench::pairs(
      state, times,
      [&] {
        return bench::processor_seconds([&] {
          for (std::size_t i = 0; i < times; ++i) bench::open_read_close(ctx, ours, names[i % names.size()], block);
        });
      },
      [&] {
        return bench::processor_seconds([&] {
          for (std::size_t i = 0; i < times; ++i) {
            auto file = theirs.openFileForRead(names[i % names.size()]);
            if (!file) std::abort();
            auto content = (*file)->getBuffer(names[i % names.size()]);
            if (!content || (*content)->getBufferSize() != block.size()) std::abort();
            std::memcpy(block.data(), (*content)->getBufferStart(), block.size());
            benchmark::DoNotOptimize(block.data());
            benchmark::ClobberMemory();
            if ((*file)->close()) std::abort();
          }
        });
      });
  state.SetLabel("LLVM " LLVM_VERSION_STRING);
}
BENCHMARK(llvm_open_read4k_close)->UseManualTime();

/// With so many files in folders of a thousand, in random order.
void llvm_files_stat(benchmark::State& state) {
  llvm::vfs::InMemoryFileSystem files;
  std::vector<std::string> chosen;
  {
    const auto names = bench::paths(static_cast<std::size_t>(state.range(0)));
    fill(files, names, 1);
    chosen = bench::some_of(names);
  }
  std::size_t next = 0;
  for (auto _ : state) {
    if (!files.status(chosen[next])) std::abort();
    if (++next == chosen.size()) next = 0;
  }
}
BENCHMARK(llvm_files_stat)->RangeMultiplier(10)->Range(100, 1'000'000);

/// In random order, among ten thousand files in ten folders.
void llvm_stat_10k(benchmark::State& state) {
  constexpr std::size_t times = 2048;
  const Context& ctx = Context::background();
  auto names = bench::paths(10'000);
  MemoryFS ours;
  llvm::vfs::InMemoryFileSystem theirs;
  bench::fill(ours, names, 1);
  fill(theirs, names, 1);
  std::shuffle(names.begin(), names.end(), std::mt19937_64(1));
  names = std::vector<std::string>(names);  // Anew, so that they lie in memory in the order in which they are used.
  std::size_t our_next = 0;
  std::size_t their_next = 0;
  bench::pairs(
      state, times,
      [&] {
        return bench::processor_seconds([&] {
          for (std::size_t i = 0; i < times; ++i, ++our_next) {
            auto info = ours.stat(ctx, names[our_next % names.size()]);
            if (!info || info->size != 1) std::abort();
          }
        });
      },
      [&] {
        return bench::processor_seconds([&] {
          for (std::size_t i = 0; i < times; ++i, ++their_next) {
            auto status = theirs.status(names[their_next % names.size()]);
            if (!status || status->getSize() != 1) std::abort();
          }
        });
      });
}
BENCHMARK(llvm_stat_10k)->UseManualTime();

}  // namespace
