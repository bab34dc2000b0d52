#include <leash/fs/memory_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#define PLUGIN_API extern "C" [[gnu::visibility("default")]]

/// Opens a file with the Context of the host, and keeps it.
PLUGIN_API int plugin_open(const leash::Context& ctx) {
  static leash::fs::MemoryFS memory{{"data", ""}};
  static leash::fs::TrackedFS files(memory, {.fallback = leash::track::process_tracker()});
  static auto& kept = *new std::vector<std::unique_ptr<leash::fs::File>>;
  auto file = files.open(ctx, "data");
  if (!file) return 1;
  kept.push_back(std::move(*file));
  return kept.back()->stat() ? 0 : 1;
}

/// Makes a tag of the host's tracker, and keeps it. Returns 0 if that is refused, as is a report.
PLUGIN_API int plugin_acquire(leash::track::Tracker& tracker) {
  static auto& kept = *new std::vector<leash::track::Tag>;
  try {
    kept.push_back(tracker.create({{"slot", "slots"}, "of the plugin"}));
    return 1;
  } catch (const std::logic_error&) {
    try {
      static_cast<void>(tracker.snapshot());
    } catch (const std::logic_error&) {
      return 0;
    }
    return 2;
  }
}
