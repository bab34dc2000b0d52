// host PLUGIN... [process]: loads plugins that may have copies of leash of their own, and lets each open a file with a
// Context that carries a tracker of this one, and with that tracker itself, and watch a Context that it cancels. Its
// status is 0 if it saw all the files, and 3 if it saw none.

#include <dlfcn.h>

#include <cstddef>
#include <cstdio>
#include <iostream>
#include <leash/track/tracker.hpp>
#include <string_view>
#include <vector>

int main(int argc, char** argv) {
  using Open = int (*)(const leash::Context&);
  using Acquire = int (*)(leash::track::Tracker&);
  using Count = std::size_t (*)(const leash::track::Tracker&);
  using Watch = void (*)(const leash::Context&, void (*)(void*), void*);
  const auto [cancelled, source] = leash::Context::background().with_cancel();
  int told = 0;
  auto [tracker, ctx] = leash::track::with_tracker(leash::Context::background());
  int plugins = 0;
  int acquired = 0;
  for (int at = 1; at < argc; ++at) {
    if (std::string_view(argv[at]) == "process") {
      if (leash::track::process_tracker().open_count() != 0) return 1;
      continue;
    }
    void* const plugin = ::dlopen(argv[at], RTLD_NOW | RTLD_LOCAL);
    if (plugin == nullptr) {
      std::fprintf(stderr, "%s\n", ::dlerror());
      return 1;
    }
    ++plugins;
    const auto open = reinterpret_cast<Open>(::dlsym(plugin, "plugin_open"));
    const auto acquire = reinterpret_cast<Acquire>(::dlsym(plugin, "plugin_acquire"));
    if (open(leash::Context::background()) != 0 || open(ctx) != 0) return 1;
    acquired += acquire(tracker);
    // Of kinds that the plugin's copy has not come to.
    std::vector<leash::track::Tag> tags;
    for (const char* const kind : {"lock", "slot", "box", "page"}) tags.push_back(tracker.create({{kind, kind}, "a"}));
    const auto open_count = reinterpret_cast<Count>(::dlsym(plugin, "plugin_open_count"));
    if (open_count(tracker) != tracker.open_count()) return 1;
    for (leash::track::Tag& tag : tags) tag.close();
    const auto watch = reinterpret_cast<Watch>(::dlsym(plugin, "plugin_watch"));
    watch(cancelled, [](void* count) { ++*static_cast<int*>(count); }, &told);
  }
  source.cancel();
  if (told != 2 * plugins) return 1;
  const auto open_files = static_cast<int>(tracker.open_count()) - acquired;
  std::cout << tracker.snapshot() << tracker.close() << std::endl;
  if (open_files == plugins && acquired == plugins) return 0;
  return open_files == 0 && acquired == 0 ? 3 : 1;
}
