#pragma once

#include <benchmark/benchmark.h>

#include <call_chain.hpp>
#include <cstddef>
#include <leash/track/tracker.hpp>
#include <string>

/// What the benchmarks of tags share.
namespace bench {

/// As many frames as a tag keeps by default.
inline constexpr std::size_t frames = 16;

/// More frames than a tag keeps: all of those that are walked are of the benchmark's own code.
inline constexpr std::size_t chain = frames + 4;

inline constexpr leash::track::Kind file_kind{"file", "files"};
inline constexpr leash::track::Resource file{file_kind, "data.csv", 3, leash::track::OnDrop::closed};

/// How many frames the tracker keeps of the caller's stack.
inline std::size_t frames_kept(leash::track::Tracker& tracker) {
  const leash::track::Tag tag = tracker.create(file);
  const leash::track::Report report = tracker.snapshot();
  return report.groups.empty() ? 0 : report.groups.front().opened.stack.addresses.size();
}

/// A tag created and closed on a stack of `chain_frames`, of which it must keep `kept`.
inline void create_close(benchmark::State& state, const leash::track::Options& options, std::size_t kept = frames,
                         std::size_t chain_frames = chain) {
  leash::track::Tracker tracker(options);
  auto run = [&] {
    if (const std::size_t found = frames_kept(tracker); found != kept) {
      state.SkipWithError(("a tag keeps " + std::to_string(found) + " frames").c_str());
      return;
    }
    for (auto _ : state) {
      leash::track::Tag tag = tracker.create(file);
      benchmark::DoNotOptimize(tag);
      tag.close();
    }
  };
  call_in_chain(chain_frames, 0, run);
}

}  // namespace bench
