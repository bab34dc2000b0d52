#include <cstddef>
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

/// How many resources the host's tracker has open, as this copy sees it.
PLUGIN_API std::size_t plugin_open_count(const leash::track::Tracker& tracker) { return tracker.open_count(); }

/// Calls `told(data)` when the host's Context is cancelled, and when a Context that this plugin derived from it is.
PLUGIN_API void plugin_watch(const leash::Context& ctx, void (*told)(void*), void* data) {
  static auto& kept = *new std::vector<leash::Registration>;
  static auto& derived = *new std::vector<leash::Cancellable>;
  derived.push_back(ctx.with_cancel());
  kept.push_back(ctx.on_cancel([=] { told(data); }));
  kept.push_back(derived.back().context.on_cancel([=] { told(data); }));
}
