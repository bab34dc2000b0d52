#pragma once

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <leash/result.hpp>
#include <paired.hpp>
#include <type_traits>
#include <utility>
#include <vector>

/// What the programs of the suites `fs` and `net` share.
namespace bench {

/// The value of a Result that cannot fail here.
template <class T>
T must(leash::Result<T> result) {
  if (!result) std::abort();
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

inline void must(bool holds) {
  if (!holds) std::abort();
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
