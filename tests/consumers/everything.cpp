// A program that uses all of leash: it leaks a file and a connection, and looks whether the report names both.

#include <algorithm>
#include <iostream>
#include <leash/leash.hpp>
#include <string_view>

namespace {

bool names(const leash::track::Report& report, std::string_view kind) {
  return std::ranges::any_of(report.groups, [&](const leash::track::Group& group) { return group.kind.one == kind; });
}

}  // namespace

int main() {
  auto [tracker, ctx] = leash::track::with_tracker(leash::Context::background());
  leash::fs::MemoryFS memory{{"data.csv", "a,b\n1,2\n"}};
  leash::fs::TrackedFS files(memory);
  leash::net::MemoryNetwork network;
  leash::net::TrackedDialer dialer(network);

  auto listener = network.bind(ctx, "tcp", "localhost:80");
  const auto file = files.open(ctx, "data.csv");
  const auto conn = dialer.dial(ctx, "tcp", "localhost:80");
  if (!listener || !file || !conn) {
    std::cerr << "nothing could be opened\n";
    return 1;
  }
  const leash::track::Report report = tracker.close();
  std::cout << report;
  if constexpr (leash::tracking_enabled) {
    return names(report, "file") && names(report, "connection") && !report.ok() ? 0 : 1;
  } else {
    return report.ok() ? 0 : 1;
  }
}
