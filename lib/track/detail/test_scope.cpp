#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <leash/os/mutex.hpp>
#include <leash/os/terminal.hpp>
#include <leash/os/turn.hpp>
#include <leash/track/detail/test_scope.hpp>
#include <leash/track/report/collect.hpp>
#include <leash/track/report/text.hpp>
#include <leash/track/tracker.hpp>
#include <list>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

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

struct TestScope::State {
  TrackedContext tracked;
  // What a Failure refers to.
  std::string text;
  std::list<std::string> line_texts;
  std::vector<FirstLine> broken_lines;
};

TestScope::TestScope() : TestScope(Options()) {}

TestScope::TestScope(const Options& options)
    : state_(new State{
          .tracked = with_tracker(Context::background(), options), .text = {}, .line_texts = {}, .broken_lines = {}}) {
  if constexpr (!tracking_enabled) {
    static constinit std::atomic<bool> warned{false};
    if (!warned.exchange(true)) {
      std::fputs("leash: built with LEASH_TRACKING=OFF: no test was checked for open handles\n", stderr);
    }
  }
}

TestScope::~TestScope() { delete state_; }

const Context& TestScope::context() const noexcept { return state_->tracked.context; }
Tracker& TestScope::tracker() noexcept { return state_->tracked.tracker; }
const Tracker& TestScope::tracker() const noexcept { return state_->tracked.tracker; }

std::optional<TestScope::Failure> TestScope::end(std::size_t wrapped_at) noexcept {
  try {
    const Report report = tracker().close();
    collect(report);
    if (report.ok()) return std::nullopt;
    const Explained explained = explain(report);
    const TextOptions options{.width = wrapped_at != 0 ? wrapped_at : os::terminal_width(STDOUT_FILENO).value_or(80)};
    state_->text = text(explained, options);
    if (wrapped_at == 0) return Failure{state_->text.c_str(), {}};
    for (Explained::Group group : explained.groups) {
      if (group.severity != Severity::failure || !group.place || first_line(group, options).size() <= wrapped_at)
        continue;
      const Location place = std::exchange(group.place, {});
      const std::string& line = state_->line_texts.emplace_back(first_line(group, options));
      state_->broken_lines.push_back({intern_text(place.file), place.line, line.c_str()});
    }
    return Failure{state_->text.c_str(), state_->broken_lines};
  } catch (...) {
    // A text that needs no memory: there may be none.
    return Failure{"leash: no report", {}};
  }
}

void TestScope::one_at_a_time(const Function<void()>& function) {
  static constinit os::Turn turn;
  const std::lock_guard lock(turn);
  function();
}

}  // namespace LEASH_NAMESPACE::track::detail
