// What faults cost where there are none, and how many runs a sweep makes.
#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <leash/fault/sweep.hpp>
#include <leash/fs/fault_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/track/tracker.hpp>
#include <leash/try.hpp>
#include <must.hpp>
#include <paired.hpp>
#include <span>
#include <string_view>

namespace {

using bench::must;
using leash::Context;
using leash::Result;
using leash::fs::FileSystem;
using leash::fs::MemoryFS;

void no_plan_overhead(benchmark::State& state) {
  constexpr std::size_t times = 4096;
  const Context ctx;
  MemoryFS memory{{"data.csv", "a,b\n1,2\n"}};
  leash::fs::FaultFS faulty(memory);
  const auto batch = [&](FileSystem& files) {
    return bench::processor_seconds([&] {
      std::array<std::byte, 64> buffer{};
      for (std::size_t i = 0; i < times; ++i) {
        auto file = must(files.open(ctx, "data.csv"));
        benchmark::DoNotOptimize(must(file->read(buffer)));
        must(file->close());
      }
    });
  };
  bench::pairs(state, times, [&] { return batch(faulty); }, [&] { return batch(memory); });
}
BENCHMARK(no_plan_overhead)->UseManualTime();

/// Ten operations.
Result<void> ten_operations(const Context& ctx, FileSystem& files) {
  std::array<std::byte, 64> buffer{};
  auto from = files.open(ctx, "data.csv");
  if (!from) return std::unexpected(from.error());
  auto to = files.create(ctx, "new");
  if (!to) return std::unexpected(to.error());
  const Result<std::size_t> count = (*from)->read(buffer);
  if (!count) return std::unexpected(count.error());
  LEASH_TRY((*to)->write(std::span(buffer).first(*count)));
  LEASH_TRY((*to)->sync());
  LEASH_TRY((*to)->close());
  LEASH_TRY((*from)->close());
  LEASH_TRY(files.rename(ctx, "new", "copy.csv"));
  LEASH_TRY(files.sync_dir(ctx, "."));
  return files.remove(ctx, "data.csv");
}

/// What is written by hand, where there is no sweep: the nth operation fails.
class FailingNth final : public leash::fs::HookedFileSystem {
 public:
  FailingNth(FileSystem& inner, std::size_t number) : HookedFileSystem(inner), left_(number) {}

  bool failed() const { return left_ == 0; }

 private:
  Result<void> around(leash::fs::Operation& operation, Next next) override {
    if (left_ != 0 && --left_ == 0) return operation.fail(std::errc::io_error);
    return next();
  }

  std::size_t left_;
};

std::size_t loop_by_hand() {
  for (std::size_t number = 1;; ++number) {
    auto [tracker, ctx] = leash::track::with_tracker(Context(), {.rules = {.dropped = leash::track::Severity::note}});
    MemoryFS memory{{"data.csv", "a,b\n1,2\n"}};
    FailingNth failing(memory, number);
    leash::fs::TrackedFS files(failing);
    benchmark::DoNotOptimize(ten_operations(ctx, files));
    must(tracker.close().ok());
    if (!failing.failed()) return number;
  }
}

/// The same with each fault that fits, in a row and in pairs.
std::size_t sweep_with(const leash::fault::SweepOptions& options) {
  const auto body = [](const Context& ctx) {
    MemoryFS memory{{"data.csv", "a,b\n1,2\n"}};
    leash::fs::FaultFS faulty(memory);
    leash::fs::TrackedFS files(faulty);
    return ten_operations(ctx, files);
  };
  const auto result = leash::fault::sweep(body, options);
  must(result.ok());
  return result.runs;
}

std::size_t sweep() { return sweep_with({}); }

void sweep_runs(benchmark::State& state) {
  std::size_t runs = 0;
  for (auto _ : state) runs += sweep();
  state.counters["runs_per_second"] = benchmark::Counter(static_cast<double>(runs), benchmark::Counter::kIsRate);
}
BENCHMARK(sweep_runs)->UseRealTime();

void isolated_runs(benchmark::State& state) {
  std::size_t runs = 0;
  for (auto _ : state) runs += sweep_with({.isolate = true});
  state.counters["runs_per_second"] = benchmark::Counter(static_cast<double>(runs), benchmark::Counter::kIsRate);
}
BENCHMARK(isolated_runs)->UseRealTime();

void counting_loop(benchmark::State& state) {
  constexpr std::size_t count = 1000;
  const auto time_of = [](std::size_t (*loop)()) {
    std::size_t runs = 0;
    const double seconds = bench::processor_seconds([&] {
      while (runs < count) runs += loop();
    });
    return seconds * count / static_cast<double>(runs);
  };
  bench::pairs(state, count, [&] { return time_of(sweep); }, [&] { return time_of(loop_by_hand); });
}
BENCHMARK(counting_loop)->UseManualTime();

}  // namespace
