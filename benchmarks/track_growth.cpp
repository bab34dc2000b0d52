// How the cost of a tag grows with what else is open, with the number of different stacks, and with the depth.
#include <algorithm>
#include <create_close.hpp>
#include <cstdint>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

namespace {

using leash::track::Options;
using leash::track::Tag;
using leash::track::Tracker;

/// With so many tags open, a random one of which is closed and replaced each time.
void open_tags(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  Tracker tracker;
  std::vector<Tag> tags(count);
  std::mt19937_64 random(1);
  auto run = [&] {
    for (Tag& tag : tags) tag = tracker.create(bench::file);
    for (auto _ : state) {
      Tag& tag = tags[random() % count];
      tag.close();
      tag = tracker.create(bench::file);
    }
    for (Tag& tag : tags) tag.close();
  };
  bench::call_in_chain(bench::chain, 0, run);
}
BENCHMARK(open_tags)->RangeMultiplier(10)->Range(1'000, 10'000'000);

std::vector<std::uint64_t> shuffled_routes(std::int64_t count) {
  std::vector<std::uint64_t> routes(static_cast<std::size_t>(count));
  std::iota(routes.begin(), routes.end(), std::uint64_t{0});
  std::ranges::shuffle(routes, std::mt19937_64(1));
  return routes;
}

/// A tag on each of so many different stacks, in no order. The calls down to where the tag is made are part of it.
void stacks(benchmark::State& state) {
  const auto routes = shuffled_routes(state.range(0));
  Tracker tracker;
  auto run = [&tracker] {
    Tag tag = tracker.create(bench::file);
    benchmark::DoNotOptimize(tag);
    tag.close();
  };
  for (const std::uint64_t route : routes) bench::call_in_chain(bench::frames, route, run);
  auto route = routes.begin();
  for (auto _ : state) {
    bench::call_in_chain(bench::frames, *route, run);
    if (++route == routes.end()) route = routes.begin();
  }
  if (tracker.snapshot().without_stack != 0) state.SkipWithError("there is no room for the stacks");
}
BENCHMARK(stacks)->RangeMultiplier(10)->Range(1, 100'000);

/// The calls alone.
void calls(benchmark::State& state) {
  const auto routes = shuffled_routes(state.range(0));
  auto run = [] {};
  auto route = routes.begin();
  for (auto _ : state) {
    bench::call_in_chain(bench::frames, *route, run);
    if (++route == routes.end()) route = routes.begin();
  }
}
BENCHMARK(calls)->RangeMultiplier(10)->Range(1, 100'000);

void depth(benchmark::State& state) {
  const auto depth = static_cast<std::size_t>(state.range(0));
  bench::create_close(state, Options{.depth = depth}, depth, bench::longest_chain);
}
BENCHMARK(depth)->RangeMultiplier(2)->Range(1, bench::longest_chain);

}  // namespace
