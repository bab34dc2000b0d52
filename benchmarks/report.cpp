// What it takes to make a file of a large report, and what others wait for it meanwhile.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <call_chain.hpp>
#include <chrono>
#include <create_close.hpp>
#include <cstddef>
#include <leash/track/detail/every_test.hpp>
#include <leash/track/report/explain.hpp>
#include <leash/track/report/json.hpp>
#include <leash/track/report/merge.hpp>
#include <leash/track/report/pprof.hpp>
#include <leash/track/tracker.hpp>
#include <limits>
#include <must.hpp>
#include <paired.hpp>
#include <string>
#include <thread>
#include <vector>

namespace {

using leash::track::Explained;
using leash::track::Tag;
using leash::track::Tracker;

constexpr std::size_t handles = 1'000'000;
constexpr std::size_t stacks = 1000;

/// A tracker with so many handles open, from so many stacks.
struct Open {
  Tracker tracker;
  std::vector<Tag> tags;

  Open() {
    tags.reserve(handles);
    for (std::size_t route = 0; route < stacks; ++route) {
      auto open = [&] {
        for (std::size_t time = 0; time < handles / stacks; ++time) tags.push_back(tracker.create(bench::file));
      };
      bench::call_in_chain(bench::chain, route, open);
    }
  }

  Explained explain() const {
    return leash::track::explain(tracker.snapshot(), {.max_groups = std::numeric_limits<std::size_t>::max()});
  }
};

const Open& open() {
  static const Open open;
  return open;
}

void json_1m(benchmark::State& state) {
  benchmark::DoNotOptimize(open().explain());  // Symbols are looked up.
  for (auto _ : state) benchmark::DoNotOptimize(bench::must(leash::track::json(open().explain())));
}
BENCHMARK(json_1m)->UseRealTime()->Unit(benchmark::kMillisecond);

void pprof_1m(benchmark::State& state) {
  benchmark::DoNotOptimize(open().explain());
  std::size_t size = 0;
  for (auto _ : state) {
    const std::string profile = bench::must(leash::track::pprof(open().explain()));
    size = profile.size();
  }
  state.counters["kb"] = static_cast<double>(size) / 1024;
}
BENCHMARK(pprof_1m)->UseRealTime()->Unit(benchmark::kMillisecond);

/// Which part of these is the snapshot, and which `explain`.
void snapshot_1m(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(open().tracker.snapshot());
}
BENCHMARK(snapshot_1m)->UseRealTime()->Unit(benchmark::kMillisecond);

/// With so many open, whose records it does not read.
void counts(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(open().tracker.counts());
}
BENCHMARK(counts);

void explain_1m(benchmark::State& state) {
  const leash::track::Report report = open().tracker.snapshot();
  for (auto _ : state) {
    benchmark::DoNotOptimize(leash::track::explain(report, {.max_groups = std::numeric_limits<std::size_t>::max()}));
  }
}
BENCHMARK(explain_1m)->UseRealTime()->Unit(benchmark::kMillisecond);

void merge_1000(benchmark::State& state) {
  constexpr std::size_t reports = 1000;
  Explained one = open().explain();
  for (Explained::Group& group : one.groups) {
    for (Explained::Event& event : group.events) event.frames.resize(std::min<std::size_t>(event.frames.size(), 2));
    group.instances.resize(std::min<std::size_t>(group.instances.size(), 1));
  }
  const std::vector<Explained> all(reports, one);
  for (auto _ : state) benchmark::DoNotOptimize(leash::track::merge(all));
}
BENCHMARK(merge_1000)->UseRealTime()->Unit(benchmark::kMillisecond)->Iterations(3);

/// How long a thread takes to open and close while another one takes snapshots of all that is open: what 999 of 1,000
/// times take at most.
void open_wait(benchmark::State& state) {
  constexpr std::size_t opens = 2'000'000;
  Tracker tracker = open().tracker;
  std::vector<double> times;
  times.reserve(opens);
  for (auto _ : state) {
    std::atomic<bool> over = false;
    const std::jthread other([&] {
      while (!over) benchmark::DoNotOptimize(tracker.snapshot());
    });
    for (std::size_t time = 0; time < opens; ++time) {
      times.push_back(bench::seconds([&] { tracker.create(bench::file).close(); }));
    }
    over = true;
  }
  const auto at = times.begin() + static_cast<std::ptrdiff_t>(opens * 999 / 1000);
  std::nth_element(times.begin(), at, times.end());
  state.counters["p999_us"] = *at * 1e6;
}
BENCHMARK(open_wait)->UseRealTime()->Iterations(1);

/// What LEASH_TRACK_EVERY_TEST adds to a test that opens nothing.
void listener_overhead(benchmark::State& state) {
  for (auto _ : state) {
    leash::track::detail::EveryTest::begin();
    benchmark::DoNotOptimize(leash::track::detail::EveryTest::end());
  }
}
BENCHMARK(listener_overhead);

}  // namespace
