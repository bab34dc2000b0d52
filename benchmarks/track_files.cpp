// What tracking adds to a file that is opened and closed.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <create_close.hpp>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/fs/write_file.hpp>
#include <paired.hpp>
#include <temp_dir.hpp>
#include <vector>

namespace {

using leash::Context;
using leash::fs::DiskFS;
using leash::fs::FileSystem;
using leash::fs::TrackedFS;

/// Opens and closes a file so often, on a stack of many frames.
[[gnu::noinline]] void open_and_close(const Context& context, FileSystem& files, int times) {
  auto run = [&] {
    for (int i = 0; i < times; ++i) {
      auto file = files.open(context, "data.csv");
      if (!file || !(*file)->close()) std::abort();
    }
  };
  bench::call_in_chain(bench::chain, 0, run);
}

/// A batch with tracking and one without, by turns, so that what disturbs one disturbs the other.
void tracked_open(benchmark::State& state) {
  constexpr int batch = 32;
  const TempDir directory;
  auto disk = DiskFS::open_root(Context::background(), directory.path());
  if (!disk || !leash::fs::write_file(Context::background(), *disk, "data.csv", "hello")) {
    state.SkipWithError("the disk cannot be used");
    return;
  }
  TrackedFS tracked(*disk);
  const auto [tracker, context] = leash::track::with_tracker(Context::background());
  open_and_close(context, tracked, batch);
  open_and_close(context, *disk, batch);

  std::vector<double> extra;
  std::vector<double> direct;
  bool tracked_first = false;
  for (auto _ : state) {
    tracked_first = !tracked_first;
    double with = 0;
    double without = 0;
    if (tracked_first) with = bench::seconds([&] { open_and_close(context, tracked, batch); });
    without = bench::seconds([&] { open_and_close(context, *disk, batch); });
    if (!tracked_first) with = bench::seconds([&] { open_and_close(context, tracked, batch); });
    extra.push_back((with - without) * 1e9 / batch);
    direct.push_back(without * 1e9 / batch);
    state.SetIterationTime(with + without);
  }
  state.counters["tracked_open_extra_ns"] = bench::median(extra);
  state.counters["disk_open_close_ns"] = bench::median(direct);
}
BENCHMARK(tracked_open)->UseManualTime();

}  // namespace
