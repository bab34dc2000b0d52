// Whether two threads do twice as much as one.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <create_close.hpp>
#include <cstdint>
#include <limits>
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

/// Two threads against one, for `work` and for the loop, by turns. Of each the best time counts: on a machine with
/// other work, two threads are seldom undisturbed at once, but then as fast as they can be.
template <class Work>
void scaling(benchmark::State& state, Work work) {
  constexpr std::uint64_t times = 10'000;
  constexpr double never = std::numeric_limits<double>::infinity();
  double loop_one = never;
  double loop_two = never;
  double one = never;
  double two = never;
  const auto measure = [](double& best, unsigned threads, auto& what) {
    const double seconds = seconds_with_threads(threads, times, what);
    best = std::min(best, seconds);
    return seconds;
  };
  for (auto _ : state) {
    state.SetIterationTime(measure(loop_one, 1, independent_loop) + measure(one, 1, work) + measure(two, 2, work) +
                           measure(loop_two, 2, independent_loop));
  }
  state.counters["loop"] = 2 * loop_one / loop_two;
  state.counters["share"] = (one / two) / (loop_one / loop_two);
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
BENCHMARK(scaling_of_tags)->UseManualTime()->MinTime(0.5);

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
BENCHMARK(scaling_of_mutex_set)->UseManualTime()->MinTime(0.5);

}  // namespace
