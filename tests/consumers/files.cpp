// A program that uses files alone: it leaks one, and looks whether the report says so.

#include <iostream>
#include <leash/context.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/track/report.hpp>
#include <leash/track/tracker.hpp>

int main() {
  auto [tracker, ctx] = leash::track::with_tracker(leash::Context::background());
  leash::fs::MemoryFS memory{{"data.csv", "a,b\n1,2\n"}};
  leash::fs::TrackedFS files(memory);

  const auto forgotten = files.open(ctx, "data.csv");
  if (!forgotten) {
    std::cerr << forgotten.error() << '\n';
    return 1;
  }
  const leash::track::Report report = tracker.close();
  std::cout << report;
  if constexpr (leash::tracking_enabled) {
    const bool found = report.groups.size() == 1 && report.groups[0].rule == leash::track::Rule::leaked &&
                       report.groups[0].instances.at(0).name == "data.csv";
    return found && !report.ok() ? 0 : 1;
  } else {
    return report.ok() ? 0 : 1;
  }
}
