// What a tag costs, by level and by unwinder, and what the walk of the stack costs alone. This code has no frame
// pointers.
#include <array>
#include <create_close.hpp>
#include <cstdint>
#include <leash/track/stack/capture.hpp>
#include <peers/mutex_set.hpp>

namespace {

using bench::create_close;
using leash::track::Level;
using leash::track::Options;
using leash::track::Tag;
using leash::track::Tracker;
using leash::track::Unwinder;
using leash::track::detail::capture_addresses;

BENCHMARK_CAPTURE(create_close, stack, Options{.level = Level::stack})->Name("create_close_16_ns");
BENCHMARK_CAPTURE(create_close, close_stack, Options{.level = Level::stack, .close_stack = true})
    ->Name("create_close_16_close_stack_ns");
BENCHMARK_CAPTURE(create_close, system, Options{.level = Level::stack, .unwinder = Unwinder::system})
    ->Name("create_close_16_system_ns");
BENCHMARK_CAPTURE(create_close, site, Options{.level = Level::site}, 0)->Name("create_close_site_ns");
BENCHMARK_CAPTURE(create_close, count, Options{.level = Level::count}, 0)->Name("create_close_count_ns");

/// The stack alone.
template <Unwinder unwinder>
void walk(benchmark::State& state) {
  auto run = [&] {
    std::array<std::uintptr_t, bench::frames> addresses;
    if (capture_addresses(unwinder, addresses.data(), bench::frames, 0) != bench::frames) {
      state.SkipWithError("the walk ended early");
      return;
    }
    for (auto _ : state) {
      benchmark::DoNotOptimize(capture_addresses(unwinder, addresses.data(), bench::frames, 0));
      benchmark::DoNotOptimize(addresses.data());
    }
  };
  bench::call_in_chain(bench::chain, 0, run);
}
BENCHMARK(walk<Unwinder::tables>)->Name("walk_16_ns");
BENCHMARK(walk<Unwinder::system>)->Name("walk_16_system_ns");

/// leash's stacks in the tracker with a mutex and a set.
struct Leash {
  static std::size_t capture(void** addresses, std::size_t size) {
    return capture_addresses(Unwinder::tables, reinterpret_cast<std::uintptr_t*>(addresses), size, 0);
  }
};
BENCHMARK(bench::mutex_set<Leash, bench::frames>)->Name("mutex_set_leash_stack_16_ns");

void new_tracker_without_verdict(benchmark::State& state) {
  auto run = [&] {
    for (auto _ : state) {
      Tracker tracker;
      Tag tag = tracker.create(bench::file);
      tag.close();
    }
  };
  bench::call_in_chain(bench::chain, 0, run);
}
BENCHMARK(new_tracker_without_verdict)->Name("new_tracker_without_verdict_ns");

void new_tracker(benchmark::State& state) {
  auto run = [&] {
    for (auto _ : state) {
      Tracker tracker;
      Tag tag = tracker.create(bench::file);
      tag.close();
      benchmark::DoNotOptimize(tracker.close());
    }
  };
  bench::call_in_chain(bench::chain, 0, run);
}
BENCHMARK(new_tracker)->Name("new_tracker_ns");

}  // namespace
