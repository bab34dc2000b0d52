// Whether two threads do twice as much as one.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <create_close.hpp>
#include <cstdint>
#include <paired.hpp>
#include <peers/mutex_set.hpp>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Interval {
  Clock::time_point start;
  Clock::time_point end;
};

/// The seconds in which `count` threads, begun together, each do `work(times)`. Each has done a little of it before, so
/// that it is not its first contact with the tracker that is measured.
template <class Work>
double seconds_with_threads(unsigned count, std::uint64_t times, Work work) {
  std::atomic<unsigned> ready = 0;
  std::vector<Interval> intervals(count);
  {
    std::vector<std::jthread> threads;
    for (Interval& interval : intervals) {
      threads.emplace_back([&interval, &ready, count, times, work] {
        auto run = [&] {
          work(100);
          ready.fetch_add(1);
          while (ready.load() != count) {
          }
          interval.start = Clock::now();
          work(times);
          interval.end = Clock::now();
        };
        bench::call_in_chain(bench::chain, 0, run);
      });
    }
  }
  const auto start = std::ranges::min(intervals, {}, &Interval::start).start;
  const auto end = std::ranges::max(intervals, {}, &Interval::end).end;
  return std::chrono::duration<double>(end - start).count();
}

/// What threads do that share nothing but the machine.
[[gnu::noinline]] void independent_loop(std::uint64_t times) {
  std::uint64_t state = times | 1U;
  for (std::uint64_t i = 0; i < times * 32; ++i) {
    state ^= state << 13U;
    state ^= state >> 7U;
    state ^= state << 17U;
  }
  benchmark::DoNotOptimize(state);
}

/// Two threads against one, for `work` and for the loop, by turns: what another process takes of the machine, it takes
/// of both.
template <class Work>
void scaling(benchmark::State& state, Work work) {
  constexpr std::uint64_t times = 50'000;
  std::vector<double> shares;
  std::vector<double> loops;
  for (auto _ : state) {
    const double loop_one = seconds_with_threads(1, times, independent_loop);
    const double one = seconds_with_threads(1, times, work);
    const double two = seconds_with_threads(2, times, work);
    const double loop_two = seconds_with_threads(2, times, independent_loop);
    loops.push_back(2 * loop_one / loop_two);
    shares.push_back((one / two) / (loop_one / loop_two));
    state.SetIterationTime(loop_one + one + two + loop_two);
  }
  state.counters["share"] = bench::median(shares);
  state.counters["loop"] = bench::median(loops);
}

void scaling_of_tags(benchmark::State& state) {
  leash::track::Tracker tracker;
  scaling(state, [&tracker](std::uint64_t times) {
    for (std::uint64_t i = 0; i < times; ++i) {
      leash::track::Tag tag = tracker.create(bench::file);
      benchmark::DoNotOptimize(tag);
      tag.close();
    }
  });
}
BENCHMARK(scaling_of_tags)->UseManualTime();

void scaling_of_mutex_set(benchmark::State& state) {
  bench::MutexSet<bench::NoStack, 1> tracker;
  scaling(state, [&tracker](std::uint64_t times) {
    for (std::uint64_t i = 0; i < times; ++i) {
      auto tag = tracker.create("data.csv");
      benchmark::DoNotOptimize(tag.get());
      tracker.close(tag);
    }
  });
}
BENCHMARK(scaling_of_mutex_set)->UseManualTime();

}  // namespace
