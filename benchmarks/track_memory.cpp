// What a million open tags take of memory, and how long the report of them takes: in a process of its own, since what
// another benchmark gave back would be taken again.
#include <create_close.hpp>
#include <cstdio>
#include <cstdlib>
#include <paired.hpp>
#include <resident.hpp>
#include <string>
#include <vector>

namespace {

using bench::resident_bytes;
using leash::track::OnDrop;
using leash::track::Tag;
using leash::track::Tracker;

/// Opens all of `tags`, from so many stacks by turns. The names are all different, and short.
void open_all(Tracker& tracker, std::vector<Tag>& tags, std::size_t stacks) {
  std::size_t next = 0;
  auto run = [&] {
    const std::string name = "file-" + std::to_string(next);
    tags[next] = tracker.create({bench::file_kind, name, static_cast<int>(next), OnDrop::closed});
  };
  for (; next < tags.size(); ++next) bench::call_in_chain(bench::chain, next % stacks, run);
}

struct Measured {
  double milliseconds;
  std::size_t groups;
  std::size_t characters;
};

Measured report(const Tracker& tracker) {
  Measured result{};
  result.milliseconds = 1e3 * bench::processor_seconds([&] {
                          const leash::track::Report report = tracker.snapshot();
                          result.groups = report.groups.size();
                          result.characters = to_string(report).size();
                        });
  return result;
}

}  // namespace

int main(int count, char** arguments) {
  const std::size_t size = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 1'000'000;
  constexpr std::size_t stacks = 1'000;
  constexpr int repetitions = 5;

  // The handles are the program's, and there before the memory is first looked at.
  std::vector<Tag> tags(size);
  const double before = resident_bytes();
  Tracker tracker;
  open_all(tracker, tags, stacks);
  const double per_tag = (resident_bytes() - before) / static_cast<double>(size);

  const Measured first = report(tracker);
  std::vector<double> later;
  for (int i = 0; i < repetitions; ++i) later.push_back(report(tracker).milliseconds);

  for (Tag& tag : tags) tag.close();
  const double after_per_tag = (resident_bytes() - before) / static_cast<double>(size);

  std::printf(
      "{\"bytes_per_open_tag\": %.2f, \"bytes_per_tag_after_close\": %.2f, \"report_1m_ms\": %.3f, "
      "\"first_report_1m_ms\": %.3f, \"report_groups\": %zu, \"report_characters\": %zu}\n",
      per_tag, after_per_tag, bench::median(later), first.milliseconds, first.groups, first.characters);
}
