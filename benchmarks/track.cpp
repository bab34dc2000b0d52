// What a tag costs: at each level, with each way to walk a stack, in two threads, and beside the open of a file.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <algorithm>
#include <call_chain.hpp>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/track/detail/stack_id.hpp>
#include <leash/track/tracker.hpp>
#include <string>
#include <utility>
#include <vector>

namespace {

using leash::Context;
using leash::track::Kind;
using leash::track::Level;
using leash::track::OnDrop;
using leash::track::Options;
using leash::track::Tag;
using leash::track::Tracker;
using leash::track::Unwinder;

constexpr std::size_t frames = 16;
constexpr Kind file{"file", "files"};

Tag create(Tracker& tracker) { return tracker.create({file, "data.csv", 3, OnDrop::closed}); }

/// Whether the tracker keeps as many frames as are to be measured. Where code without frame pointers is walked by them,
/// it does not.
bool keeps_all_frames(Tracker& tracker, const Options& options) {
  const Tag tag = create(tracker);
  const std::size_t expected = options.level.value_or(Level::stack) == Level::stack ? frames : 0;
  return tracker.snapshot().groups.front().opened.stack.addresses.size() == expected;
}

void create_close(benchmark::State& state, const Options& options) {
  static Tracker* shared = nullptr;
  if (state.thread_index() == 0) shared = new Tracker(options);
  auto run = [&] {
    // Other threads come here when the first does.
    for (auto _ : state) {
      Tag tag = create(*shared);
      tag.close();
    }
  };
  bench::call_in_chain(frames, 0, run);
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() != 0) return;
  auto check = [&] {
    if (!keeps_all_frames(*shared, options)) state.SkipWithError("the stack has not as many frames as it should");
  };
  bench::call_in_chain(frames, 0, check);
  delete std::exchange(shared, nullptr);
}

/// What the machine gives two threads that have nothing to do with each other.
void independent_loop(benchmark::State& state) {
  std::uint64_t number = 1;
  for (auto _ : state) {
    for (int step = 0; step < 16; ++step) number = number * 6364136223846793005U + 1442695040888963407U;
    benchmark::DoNotOptimize(number);
  }
  state.SetItemsProcessed(state.iterations());
}

void stack_only(benchmark::State& state, Unwinder unwinder) {
  auto run = [&] {
    std::array<std::uintptr_t, frames> stack{};
    for (auto _ : state) {
      benchmark::DoNotOptimize(leash::track::detail::capture_addresses(unwinder, stack.data(), frames, 0));
      benchmark::DoNotOptimize(stack.data());
    }
  };
  bench::call_in_chain(frames, 0, run);
}

void new_tracker(benchmark::State& state) {
  auto run = [&] {
    for (auto _ : state) {
      Tracker tracker;
      Tag tag = create(tracker);
      tag.close();
    }
  };
  bench::call_in_chain(frames, 0, run);
}

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "leash-bench-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Nanoseconds of each of so many opens and closes.
double open_close(const Context& context, leash::fs::FileSystem& files, int times) {
  const auto begin = std::chrono::steady_clock::now();
  for (int time = 0; time < times; ++time) {
    auto opened = files.open(context, "data.csv");
    if (!opened || !(*opened)->close()) std::abort();
  }
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
  return took.count() / times;
}

double median(std::vector<double>& values) {
  auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Through TrackedFS and without it in turn, so that what disturbs one disturbs the other.
void tracked_open(benchmark::State& state) {
  constexpr int batch = 20;
  const Folder folder;
  const Context plain = Context::background();
  auto disk = leash::fs::DiskFS::open_root(plain, folder.path());
  if (!disk || !disk->create(plain, "data.csv")) std::abort();
  leash::fs::TrackedFS tracked(*disk);
  const auto [tracker, context] = leash::track::with_tracker(plain);
  std::vector<double> extra;
  std::vector<double> alone;
  auto run = [&] {
    for (auto _ : state) {
      const double without = open_close(context, *disk, batch);
      alone.push_back(without);
      extra.push_back(open_close(context, tracked, batch) - without);
    }
  };
  bench::call_in_chain(frames, 0, run);
  state.counters["extra_ns"] = median(extra);
  state.counters["alone_ns"] = median(alone);
}

BENCHMARK_CAPTURE(create_close, tables, Options{});
BENCHMARK_CAPTURE(create_close, frame_pointers, Options{.unwinder = Unwinder::frame_pointers});
BENCHMARK_CAPTURE(create_close, system, Options{.unwinder = Unwinder::system});
BENCHMARK_CAPTURE(create_close, close_stack, Options{.close_stack = true});
BENCHMARK_CAPTURE(create_close, site, Options{.level = Level::site});
BENCHMARK_CAPTURE(create_close, count, Options{.level = Level::count});
BENCHMARK_CAPTURE(stack_only, tables, Unwinder::tables);
BENCHMARK_CAPTURE(stack_only, system, Unwinder::system);
BENCHMARK_CAPTURE(create_close, in_threads, Options{})->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK(independent_loop)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK(new_tracker);
BENCHMARK(tracked_open);

}  // namespace

BENCHMARK_MAIN();
