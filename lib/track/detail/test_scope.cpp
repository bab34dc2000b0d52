#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <leash/os/mutex.hpp>
#include <leash/os/terminal.hpp>
#include <leash/track/detail/test_scope.hpp>
#include <leash/track/report/text.hpp>
#include <mutex>
#include <set>
#include <utility>

namespace LEASH_NAMESPACE::track::detail {
namespace {

/// A copy of the text that lives as long as the program, stored once: test frameworks keep pointers to file names.
const char* intern_text(const std::string& text) {
  static constinit os::Mutex mutex;
  static auto& kept = *new std::set<std::string>;
  const std::lock_guard lock(mutex);
  return kept.insert(text).first->c_str();
}

/// The first line of the text report of a group.
std::string first_line(const Explained::Group& group, const TextOptions& options) {
  const std::string block = text(group, options);
  return block.substr(0, block.find('\n'));
}

}  // namespace

TestScope::TestScope(Options options) : tracked_(with_tracker(Context::background(), std::move(options))) {
  if constexpr (!tracking_enabled) {
    static constinit std::atomic<bool> warned{false};
    if (!warned.exchange(true)) {
      std::fputs("leash: built with LEASH_TRACKING=OFF: no test was checked for open handles\n", stderr);
    }
  }
}

std::optional<TestScope::Failure> TestScope::end(std::size_t wrapped_at) noexcept {
  try {
    const Report report = tracked_.tracker.close();
    if (report.ok()) return std::nullopt;
    const Explained explained = explain(report);
    if (wrapped_at == 0) return Failure{text(explained, {.width = os::terminal_width(STDOUT_FILENO).value_or(80)}), {}};
    const TextOptions options{.width = wrapped_at};
    Failure failure{text(explained, options), {}};
    for (Explained::Group group : explained.groups) {
      if (!group.place || first_line(group, options).size() <= wrapped_at) continue;
      const Location place = std::exchange(group.place, {});
      failure.broken_lines.push_back({intern_text(place.file), place.line, first_line(group, options)});
    }
    return failure;
  } catch (...) {
    // A text that needs no memory of its own: there may be none.
    return Failure{"leash: no report", {}};
  }
}

}  // namespace LEASH_NAMESPACE::track::detail
