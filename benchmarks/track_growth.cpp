// How the cost of a tag grows: with the tags that are open, with the different stacks there are, and with the depth.
#include <benchmark/benchmark.h>

#include <call_chain.hpp>
#include <cstdint>
#include <leash/track/tracker.hpp>
#include <memory>
#include <random>
#include <utility>
#include <vector>

namespace {

using leash::track::Kind;
using leash::track::OnDrop;
using leash::track::Options;
using leash::track::Tag;
using leash::track::Tracker;

constexpr Kind file{"file", "files"};

Tag create(Tracker& tracker) { return tracker.create({file, "data.csv", 3, OnDrop::closed}); }

/// With so many other tags open, a random one of which is closed and replaced each time.
void open_tags(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  Tracker tracker;
  std::vector<Tag> tags;
  tags.reserve(count);
  auto run = [&] {
    while (tags.size() < count) tags.push_back(create(tracker));
    std::mt19937_64 random(1);
    for (auto _ : state) tags[random() % count] = create(tracker);
  };
  bench::call_in_chain(16, 0, run);
}

/// By another stack each time, of so many, and the same without a tag.
void distinct_stacks(benchmark::State& state, bool tracked) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  Tracker tracker;
  std::uint64_t route = 0;
  auto run = [&] {
    if (!tracked) return;
    Tag tag = create(tracker);
    tag.close();
  };
  for (std::uint64_t first = 0; first < count; ++first) bench::call_in_chain(16, first, run);
  for (auto _ : state) {
    bench::call_in_chain(16, route, run);
    route = route + 1 == count ? 0 : route + 1;
  }
}

void depth(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  Tracker tracker(Options{.depth = count});
  auto run = [&] {
    for (auto _ : state) {
      Tag tag = create(tracker);
      tag.close();
    }
  };
  // No chain is needed for a single frame, nor can there be one.
  bench::call_in_chain(count < 2 ? 2 : count, 0, run);
}

BENCHMARK(open_tags)->RangeMultiplier(10)->Range(1'000, 10'000'000);
BENCHMARK_CAPTURE(distinct_stacks, tracked, true)->RangeMultiplier(10)->Range(1, 100'000);
BENCHMARK_CAPTURE(distinct_stacks, alone, false)->RangeMultiplier(10)->Range(1, 100'000);
BENCHMARK(depth)->RangeMultiplier(2)->Range(1, bench::longest_chain);

}  // namespace

BENCHMARK_MAIN();
