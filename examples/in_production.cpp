// leash left on in production: a service whose handles are watched by the tracker of the process, and a verdict at its
// end that knows of what is meant to stay open.

#include <atomic>
#include <chrono>
#include <iostream>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/track/report/explain.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace service {

using leash::Context;
using leash::Result;
using leash::fs::File;

class Service {
 public:
  explicit Service(leash::fs::FileSystem& files) : files_(files) {}

  Result<void> start(const Context& ctx) {
    auto log = files_.append(ctx, "service.log");
    if (!log) return std::unexpected(log.error());
    log_ = std::move(*log);
    return {};
  }

  Result<void> answer(const Context& ctx, const std::string& page) {
    auto file = files_.open(ctx, page);
    if (!file) return std::unexpected(file.error());
    answers_.push_back(std::move(*file));  // Bug: nothing takes them out again.
    return {};
  }

 private:
  leash::fs::FileSystem& files_;
  std::unique_ptr<File> log_;
  std::vector<std::unique_ptr<File>> answers_;
};

// snippet: watch
/// What a service calls now and then.
void watch(leash::track::Tracker& tracker) {
  if (tracker.open_count() < 100) return;
  std::cout << tracker.snapshot() << "\n\n";
  tracker.set_level(leash::track::Level::stack);  // What is opened from now on shows its stack too.
}
// end snippet

// snippet: metrics
/// What a service exports to its monitoring.
void print_metrics(const leash::track::Tracker& tracker) {
  for (const auto& count : tracker.counts().kinds) {
    std::cout << "opened{kind=\"" << count.kind.one << "\"} " << count.opened << "\n";
    std::cout << "open{kind=\"" << count.kind.one << "\"} " << count.open() << "\n";
  }
  const std::chrono::duration<double> oldest = tracker.oldest().value_or(0s);
  std::cout << "oldest_seconds " << oldest.count() << "\n";
}
// end snippet

// snippet: explain
/// The same for a log: one line for each place.
void log(const leash::track::Report& report) {
  for (const auto& group : leash::track::explain(report).groups) {
    std::cout << "held: " << group.what << " " << group.place.file << ":" << group.place.line << "\n";
  }
}
// end snippet

void serve(const Context& ctx, Service& service, leash::track::Tracker& tracker) {
  if (!service.start(ctx)) return;
  for (int request = 1; request <= 120; ++request) {
    if (!service.answer(ctx, "index.html")) return;
    if (request % 60 == 0) watch(tracker);
  }
}

}  // namespace service

int main() {
  leash::fs::MemoryFS disk{{"index.html", "<p>Hello</p>"}};

  // snippet: process_tracker
  leash::track::Tracker& tracker = leash::track::process_tracker();
  tracker.set_level(leash::track::Level::site);
  leash::fs::TrackedFS files(disk, {.fallback = tracker});  // For every Context that carries no tracker.
  // end snippet

  // snippet: threshold
  std::atomic<bool> alarm{false};
  const leash::Registration watched = tracker.on_threshold(
      {.descriptors = 0.8, .age = 1h}, [&alarm](const leash::track::ThresholdReached&) { alarm = true; });
  // end snippet
  service::Service live(files);
  service::serve(leash::Context::background(), live, tracker);
  if (alarm) std::cerr << tracker.snapshot() << "\n";
  service::log(tracker.snapshot());
  service::print_metrics(tracker);

  // snippet: suppressions
  const auto known = leash::track::Suppressions::load("examples/leash.supp");
  if (!known) return std::cout << known.error() << "\n", 1;
  auto [strict, ctx] = leash::track::with_tracker(
      leash::Context::background(),
      {.rules = {.dropped = leash::track::Severity::note, .closed_late = leash::track::Severity::off},
       .suppressions = *known});
  // end snippet
  service::Service tested(files);
  service::serve(ctx, tested, strict);
  std::cout << strict.close() << "\n";
  return 0;
}
