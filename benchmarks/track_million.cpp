// A million open tags from a thousand stacks: the memory they take, and the time of a report on them. Prints JSON.
#include <unistd.h>

#include <algorithm>
#include <call_chain.hpp>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <leash/track/tracker.hpp>
#include <string_view>
#include <vector>

namespace {

using leash::track::Kind;
using leash::track::OnDrop;
using leash::track::Tag;
using leash::track::Tracker;

constexpr Kind file{"file", "files"};
constexpr std::uint64_t stacks = 1000;

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0;
  statm >> pages >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// Milliseconds of a report, from the snapshot to the text.
double report_ms(const Tracker& tracker) {
  const auto begin = std::chrono::steady_clock::now();
  const std::string text = to_string(tracker.snapshot());
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  return text.empty() ? 0 : took.count();
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t tags = 1'000'000;
  if (argc > 1) {
    const std::string_view text = argv[1];
    std::from_chars(text.data(), text.data() + text.size(), tags);
  }
  Tracker tracker;
  std::vector<Tag> open;
  open.reserve(tags);
  // What is loaded once is not counted.
  auto once = [&] { Tag(tracker.create({file, "data.csv", 3, OnDrop::closed})).close(); };
  bench::call_in_chain(16, 0, once);

  const std::uint64_t before = resident_bytes();
  auto create = [&] { open.push_back(tracker.create({file, "data.csv", 3, OnDrop::closed})); };
  for (std::uint64_t tag = 0; tag < tags; ++tag) bench::call_in_chain(16, tag % stacks, create);
  const std::uint64_t after = resident_bytes();

  // The first one loads the symbols.
  report_ms(tracker);
  std::vector<double> times;
  for (int time = 0; time < 5; ++time) times.push_back(report_ms(tracker));
  std::ranges::sort(times);
  std::printf("{\"bytes_per_open_tag\": %.1f, \"report_ms\": %.1f, \"groups\": %zu}\n",
              static_cast<double>(after - before) / static_cast<double>(tags), times[times.size() / 2],
              tracker.snapshot().groups.size());
  return 0;
}
