// MemoryFS beside RocksDB's environment in memory.
#include <fs_common.hpp>
#include <leash/fs/memory_fs.hpp>

#include <cstdint>
#include <memory>

#include <rocksdb/env.h>
#include <rocksdb/version.h>

namespace {

using bench::Block;
using bench::must;
using leash::Context;
using leash::fs::MemoryFS;

std::unique_ptr<rocksdb::Env> make_env() {
  return std::unique_ptr<rocksdb::Env>(rocksdb::NewMemEnv(rocksdb::Env::Default()));
}

/// RocksDB takes absolute paths, and as `std::string`.
std::vector<std::string> absolute(std::vector<std::string> names) {
  for (std::string& name : names) name.insert(0, "/");
  return names;
}

void create_write_close(rocksdb::Env& files, const std::string& path, const Block& block) {
  std::unique_ptr<rocksdb::WritableFile> file;
  if (!files.NewWritableFile(path, &file, {}).ok()) std::abort();
  const rocksdb::Slice content(reinterpret_cast<const char*>(block.data()), block.size());
  if (!file->Append(content).ok() || !file->Close().ok()) std::abort();
}

void rocksdb_open_read4k_close(benchmark::State& state) {
  constexpr std::size_t times = 1024;
  const Context& ctx = Context::background();
  const auto names = bench::paths(bench::few_files);
  const auto their_names = absolute(names);
  MemoryFS ours;
  const auto theirs = make_env();
  Block block{};
  bench::fill(ours, names, bench::block_size);
  for (const std::string& name : their_names) create_write_close(*theirs, name, block);
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
            std::unique_ptr<rocksdb::SequentialFile> file;
            if (!theirs->NewSequentialFile(their_names[i % names.size()], &file, {}).ok()) std::abort();
            rocksdb::Slice content;
            if (!file->Read(block.size(), &content, reinterpret_cast<char*>(block.data())).ok()) std::abort();
            if (content.size() != block.size()) std::abort();
            benchmark::DoNotOptimize(block.data());
            benchmark::ClobberMemory();
          }
        });
      });
  state.SetLabel("RocksDB " + rocksdb::GetRocksVersionAsString());
}
BENCHMARK(rocksdb_open_read4k_close)->UseManualTime();

/// With so many files in folders of a thousand, in random order.
void rocksdb_files_size(benchmark::State& state) {
  const auto files = make_env();
  std::vector<std::string> chosen;
  {
    const auto names = absolute(bench::paths(static_cast<std::size_t>(state.range(0))));
    for (const std::string& name : names) {
      std::unique_ptr<rocksdb::WritableFile> file;
      must(files->NewWritableFile(name, &file, {}).ok() && file->Close().ok());
    }
    chosen = bench::some_of(names);
  }
  std::size_t next = 0;
  for (auto _ : state) {
    std::uint64_t size = 0;
    if (!files->GetFileSize(chosen[next], &size).ok()) std::abort();
    if (++next == chosen.size()) next = 0;
  }
}
BENCHMARK(rocksdb_files_size)->RangeMultiplier(10)->Range(100, 1'000'000);

/// New files each time. Their removal is not measured.
void rocksdb_create_write4k_close(benchmark::State& state) {
  const Context& ctx = Context::background();
  const auto names = bench::paths(512);
  const auto their_names = absolute(names);
  MemoryFS ours;
  const auto theirs = make_env();
  const Block block{};
  must(ours.mkdir(ctx, "data0"));
  must(theirs->CreateDir("/data0").ok());
  bench::pairs(
      state, static_cast<double>(names.size()),
      [&] {
        const double result = bench::processor_seconds([&] {
          for (const std::string& name : names) bench::create_write_close(ctx, ours, name, block);
        });
        for (const std::string& name : names) must(ours.remove(ctx, name));
        return result;
      },
      [&] {
        const double result = bench::processor_seconds([&] {
          for (const std::string& name : their_names) create_write_close(*theirs, name, block);
        });
        for (const std::string& name : their_names) must(theirs->DeleteFile(name).ok());
        return result;
      });
}
BENCHMARK(rocksdb_create_write4k_close)->UseManualTime();

}  // namespace
