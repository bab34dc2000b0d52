// The walk by frame pointers. This code, and only this, keeps them.
#include <array>
#include <create_close.hpp>
#include <cstdint>
#include <leash/track/stack/capture.hpp>

namespace {

using bench::create_close;
using leash::track::Options;
using leash::track::Unwinder;
using leash::track::detail::capture_addresses;

BENCHMARK_CAPTURE(create_close, frame_pointers, Options{.unwinder = Unwinder::frame_pointers})
    ->Name("create_close_16_fp_ns");

void walk(benchmark::State& state) {
  auto run = [&] {
    std::array<std::uintptr_t, bench::frames> addresses;
    std::array<std::uintptr_t, bench::frames> by_tables;
    const auto capture = [&](Unwinder unwinder, auto& out) {
      return capture_addresses(unwinder, out.data(), bench::frames, 1);
    };
    if (capture(Unwinder::frame_pointers, addresses) != bench::frames ||
        capture(Unwinder::tables, by_tables) != bench::frames || addresses != by_tables) {
      state.SkipWithError("frame pointers lead elsewhere than the tables");
      return;
    }
    for (auto _ : state) {
      benchmark::DoNotOptimize(capture_addresses(Unwinder::frame_pointers, addresses.data(), bench::frames, 0));
      benchmark::DoNotOptimize(addresses.data());
    }
  };
  bench::call_in_chain(bench::chain, 0, run);
}
BENCHMARK(walk)->Name("walk_16_fp_ns");

}  // namespace
