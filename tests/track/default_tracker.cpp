// Prints what trackers keep of a tag, a line each: by default twice, then with a level and a depth of their own.
#include <cstdio>
#include <leash/track/tracker.hpp>
#include <string_view>
#include <utility>

#include "kinds.hpp"

using leash::track::Level;
using leash::track::Options;

namespace {

std::string_view name_of(Level level) {
  constexpr std::string_view names[] = {"count", "site", "stack"};
  return names[static_cast<std::size_t>(level)];
}

void show(const char* what, Options options) {
  leash::track::Tracker tracker(std::move(options));
  const leash::track::Tag tag = tracker.create({slot, "kept"});
  const leash::track::Report report = tracker.close();
  if (report.groups.empty()) return;
  const leash::track::Event& opened = report.groups.front().opened;
  std::printf("%s %s line=%u frames=%zu\n", what, name_of(tracker.level()).data(), opened.site.line() == 0 ? 0U : 1U,
              opened.stack.addresses.size());
}

[[gnu::noinline]] void deeper(int levels) {
  if (levels > 0) {
    deeper(levels - 1);
    asm volatile("" ::: "memory");  // NOLINT(hicpp-no-assembler): no tail call
    return;
  }
  show("default", {});
  show("default", {});
  show("explicit-level", {.level = Level::site});
  show("explicit-depth", {.level = Level::stack, .depth = 5});
  show("explicit-stack", {.level = Level::stack});
}

}  // namespace

int main() { deeper(300); }
