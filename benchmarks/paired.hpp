#pragma once

#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

/// For what is measured as pairs of batches, which take turns.
namespace bench {

/// How long the processor works for this thread in `run`.
template <class Run>
double processor_seconds(Run run) {
  const auto now = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double start = now();
  run();
  return now() - start;
}

/// How long `run` takes.
template <class Run>
double seconds(Run run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The one in the middle; 0 if there is none.
inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Measures `ours` and `theirs` by turns, so that what disturbs one disturbs the other. Each is a batch of `count`
/// operations and returns how many seconds it took. The counters are the medians of what one operation takes, and of
/// ours / theirs.
template <class Ours, class Theirs>
void pairs(benchmark::State& state, double count, Ours ours, Theirs theirs) {
  std::vector<double> our_times;
  std::vector<double> their_times;
  std::vector<double> ratios;
  ours();
  theirs();
  bool ours_first = false;
  for (auto _ : state) {
    ours_first = !ours_first;
    const double before = ours_first ? ours() : 0;
    const double their_time = theirs();
    const double our_time = ours_first ? before : ours();
    our_times.push_back(1e9 * our_time / count);
    their_times.push_back(1e9 * their_time / count);
    ratios.push_back(our_time / their_time);
    state.SetIterationTime(our_time + their_time);
  }
  state.counters["ours_ns"] = median(our_times);
  state.counters["theirs_ns"] = median(their_times);
  state.counters["ratio"] = median(ratios);
}

}  // namespace bench
